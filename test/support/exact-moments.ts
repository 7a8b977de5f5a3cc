/** Mean, and sum of squared deviations from it, of doubles: computed with whole numbers alone, rounded once at the end. */
export interface ExactMoments {
  readonly sum: number;
  readonly mean: number;
  readonly m2: number;
}

const SCALE = 1074n;

/** Of at least one value. */
export function exactMoments(values: readonly number[]): ExactMoments {
  const n = BigInt(values.length);
  let sum = 0n;
  let squares = 0n;
  for (const value of values) {
    const whole = scaled(value);
    sum += whole;
    squares += whole * whole;
  }
  return {
    sum: ratio(sum, 1n << SCALE),
    mean: ratio(sum, n << SCALE),
    m2: ratio(n * squares - sum * sum, n << (2n * SCALE)),
  };
}

/** The double times 2^1074, which makes every double whole. */
function scaled(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const exponent = (high >>> 20) & 0x7ff;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(bits.getUint32(4));
  const size = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1);
  return high >>> 31 ? -size : size;
}

/** A quotient as a double, right to 60 bits before the one rounding. */
function ratio(numerator: bigint, denominator: bigint): number {
  if (numerator < 0n) return -ratio(-numerator, denominator);
  if (numerator === 0n) return 0;
  const shift = Math.max(0, 64 - (numerator.toString(2).length - denominator.toString(2).length));
  const quotient = (numerator << BigInt(shift)) / denominator;
  // two steps, since 2 to the power of -shift may be too small for a double
  const half = Math.floor(shift / 2);
  return Number(quotient) / 2 ** half / 2 ** (shift - half);
}
