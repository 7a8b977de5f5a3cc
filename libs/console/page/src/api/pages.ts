/** A list by pages that is read anew from its top while more of it is shown. */
import type { Page } from './types.js';

export interface Reading<Item> {
  /** As many as were asked for, from the top. */
  readonly limit: number;
  /** What is shown of the list: all pages that were asked for. */
  readonly shown: Page<Item>;
  /** As many as all those pages may hold. */
  readonly wanted: number;
  readonly keyOf: (item: Item) => string;
}

/**
 * What is to be shown once the top of a list was read anew: that, and below it what is shown already where the answer does not reach.
 * A search of few among many answers with fewer than asked for, or with none, though there are more; and an answer holds 1,000 at most.
 */
export function joined<Item>(top: Page<Item>, { limit, shown, wanted, keyOf }: Reading<Item>): Page<Item> {
  const isFull = top.items.length >= limit;
  if (top.next === undefined || (isFull && limit >= wanted)) return top;
  const keys = new Set(top.items.map(keyOf));
  const last = shown.items.findLastIndex((item) => keys.has(keyOf(item)));
  // between them there may be some that are in neither
  if (last < 0 && isFull) return top;
  const below = shown.items.slice(last + 1);
  const lowest = top.items.at(-1);
  const reachesFurther = lowest !== undefined && !shown.items.some((item) => keyOf(item) === keyOf(lowest));
  if (below.length === 0 && (reachesFurther || shown.next === undefined)) return top;
  return { items: [...top.items, ...below], ...(shown.next === undefined ? {} : { next: shown.next }) };
}
