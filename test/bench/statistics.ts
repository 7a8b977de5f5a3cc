export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The value below which the share `of` of all lies. */
export function percentile(values: readonly number[], of: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(of * sorted.length))] ?? Number.NaN;
}

/** What several rounds have found of one thing. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: rounded(median(values)),
  least: rounded(Math.min(...values)),
  most: rounded(Math.max(...values)),
});

/** To four digits: more would only seem exact. */
export const rounded = (value: number): number => Number(value.toPrecision(4));

/** The ratios of the rounds: both values of a ratio are of one round, so that a slow moment is slow for both. */
export const ratiosOf = (values: readonly number[], references: readonly number[]): number[] =>
  values.map((value, round) => value / (references[round] ?? Number.NaN));

/** Each round begins with another one, so that none always runs in the wake of the same neighbour. */
export function turned<T>(list: readonly T[], round: number): T[] {
  const first = round % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}
