/** One page of a list, newest first unless its query says otherwise. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** The `after` of the next page: opaque. Absent on the last one. */
  readonly next?: string;
}

/** How many items a page has unless its query says otherwise, and at most. */
export const DEFAULT_LIMIT = 100;
export const MOST_LISTED = 1_000;

/** A page of what was read up to its limit: if that many were found there may be more. */
export function pageUpTo<Item>(limit: number, items: readonly Item[], placeOf: (last: Item) => string): Page<Item> {
  const last = items.length < limit ? undefined : items.at(-1);
  return { items, ...(last === undefined ? {} : { next: placeOf(last) }) };
}

/** Which page of a list. */
export interface PageQuery {
  /** 1 to 1,000; 100 unless given. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

/** A view as JSON has it: times are ISO 8601 texts. */
export type Json<View> = View extends Date
  ? string
  : View extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : View extends object
      ? { readonly [Key in keyof View]: Json<View[Key]> }
      : View;
