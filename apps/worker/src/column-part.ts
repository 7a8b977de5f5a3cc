import type { ColumnPart, NumberPart } from 'agentmq/contracts';

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The value of a finite decimal number, blanks around it allowed; undefined of anything else (hex, `1,000`, `1e999`). */
export function decimalOf(value: string): number | undefined {
  const trimmed = value.trim();
  if (!decimal.test(trimmed)) return undefined;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : undefined;
}

export type Row = readonly string[];

/**
 * The statistics of column `index` over `rows`. Of numbers if every value that is present (not blank) is one, else of
 * text as it is written; of text in any case if `asText`.
 */
export function columnPart(name: string, rows: readonly Row[], index: number, asText: boolean): ColumnPart {
  return (asText ? undefined : numbersOf(name, rows, index)) ?? textOf(name, rows, index);
}

/** Undefined when a value is no number, or none is present. */
function numbersOf(name: string, rows: readonly Row[], index: number): NumberPart | undefined {
  const numbers = new Float64Array(rows.length);
  let count = 0;
  for (const row of rows) {
    const value = row[index] ?? '';
    const number = decimalOf(value);
    if (number !== undefined) numbers[count++] = number;
    else if (!isMissing(value)) return undefined;
  }
  if (count === 0) return undefined;
  return { name, type: 'number', count, missing: rows.length - count, ...momentsOf(numbers.subarray(0, count)) };
}

/**
 * The sum by Neumaier's compensated summation (ZAMM 54, 1974), kept as the pair (sum, error), and the squared
 * deviations by the corrected two-pass algorithm (Chan, Golub and LeVeque, The American Statistician 37, 1983). Both
 * stay accurate where the values are large beside their spread.
 */
function momentsOf(numbers: Float64Array): Pick<NumberPart, 'min' | 'max' | 'sum' | 'm2'> {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let error = 0;
  for (const x of numbers) {
    if (x < min) min = x;
    if (x > max) max = x;
    const next = sum + x;
    error += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  const high = sum + error;
  const low = error - (high - sum);

  const mean = high / numbers.length;
  let deviations = 0;
  let squares = 0;
  for (const x of numbers) {
    const deviation = x - mean;
    deviations += deviation;
    squares += deviation * deviation;
  }
  const m2 = Math.max(0, squares - (deviations * deviations) / numbers.length);
  return {
    // adding 0 makes -0, which JSON does not know, 0
    min: min + 0,
    max: max + 0,
    sum: Number.isFinite(high) && Number.isFinite(low) ? [high + 0, low + 0] : null,
    m2: Number.isFinite(m2) ? m2 : null,
  };
}

function textOf(name: string, rows: readonly Row[], index: number): ColumnPart {
  const counts = new Map<string, number>();
  let missing = 0;
  for (const row of rows) {
    const value = row[index] ?? '';
    if (isMissing(value)) missing++;
    else counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  if (counts.size === 0) return { name, type: 'empty', missing };
  return {
    name,
    type: 'text',
    count: rows.length - missing,
    missing,
    values: [...counts.keys()],
    counts: [...counts.values()],
  };
}

const isMissing = (value: string): boolean => value === '' || value.trim() === '';
