import { cursorOf, readCursor } from './cursor.js';
import { DEFAULT_LIMIT, MOST_LISTED, type Page, type PageQuery } from './page.js';

/**
 * One page of what is in memory, in the order of its keys, which are compared character by character. Throws `InvalidSelectionError` for an
 * `after` that no page gave.
 */
export function pageOf<Item>(
  all: readonly Item[],
  keyOf: (item: Item) => string,
  { limit = DEFAULT_LIMIT, after }: PageQuery,
): Page<Item> {
  const size = Math.min(Math.max(limit, 1), MOST_LISTED);
  const [place] = after === undefined ? [] : readCursor(after, 1);
  const keyed = all.map((item) => ({ item, key: keyOf(item) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const rest = place === undefined ? keyed : keyed.filter(({ key }) => key > place);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    ...(last && rest.length > page.length ? { next: cursorOf(last.key) } : {}),
  };
}
