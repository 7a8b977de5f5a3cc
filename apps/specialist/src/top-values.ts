import { Slices } from './slices.js';
import { byCountThenValue, type ValueCount } from './value-counts.js';

/**
 * The first `limit` values by count, then by value, in that order. Keeps at most twice as many at a time, and yields
 * to the event loop between slices.
 */
export async function topValues(values: Iterable<ValueCount>, limit: number): Promise<ValueCount[]> {
  const slices = new Slices();
  let best: ValueCount[] = [];
  let last: ValueCount | undefined;
  let steps = 0;
  for (const entry of values) {
    if (!last || byCountThenValue(entry, last) < 0) {
      best.push(entry);
      if (best.length >= limit * 2) {
        best = best.sort(byCountThenValue).slice(0, limit);
        last = best[limit - 1];
      }
    }
    if ((++steps & 0x3ff) === 0 && slices.over) await slices.rest();
  }
  return best.sort(byCountThenValue).slice(0, limit);
}
