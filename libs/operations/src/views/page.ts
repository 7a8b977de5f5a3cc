/** One page of a list, newest first unless its query says otherwise. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** The `after` of the next page: opaque. Absent on the last one. */
  readonly next?: string;
}

/** How many items a page has unless its query says otherwise. */
export const DEFAULT_LIMIT = 100;

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
