/** An unevaluated sum of two doubles: some 32 significant digits. */
export type DoubleDouble = readonly [high: number, low: number];

/** The exact sum of two doubles (Knuth, The Art of Computer Programming 2, section 4.2.2, theorem B). */
function twoSum(a: number, b: number): DoubleDouble {
  const sum = a + b;
  const rest = sum - a;
  return [sum, a - (sum - rest) + (b - rest)];
}

/** The exact product of two doubles (Dekker, Numerische Mathematik 18, 1971), while it stays below 1e292. */
function twoProduct(a: number, b: number): DoubleDouble {
  const product = a * b;
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  const rest = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  return [product, Number.isFinite(rest) ? rest : 0];
}

function split(a: number): DoubleDouble {
  const scaled = 134217729 * a; // 2^27 + 1
  const high = scaled - (scaled - a);
  return [high, a - high];
}

export function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const [high, rest] = twoSum(a[0], b[0]);
  return twoSum(high, rest + a[1] + b[1]);
}

export const negate = (a: DoubleDouble): DoubleDouble => [-a[0], -a[1]];

/** A quotient by a whole number. */
export function divide(a: DoubleDouble, divisor: number): DoubleDouble {
  const high = a[0] / divisor;
  const [product, rest] = twoProduct(high, divisor);
  return twoSum(high, (a[0] - product - rest + a[1]) / divisor);
}
