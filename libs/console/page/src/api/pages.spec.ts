import { describe, expect, it } from '@jest/globals';
import { joined } from './pages.js';
import type { Page } from './types.js';

interface Row {
  readonly id: string;
}

const rows = (...ids: string[]): Row[] => ids.map((id) => ({ id }));
const page = (ids: string, next?: string): Page<Row> => ({
  items: rows(...ids.split('').filter((id) => id !== ' ')),
  ...(next === undefined ? {} : { next }),
});
const keyOf = ({ id }: Row): string => id;

describe('a list that is read anew from its top', () => {
  it('is what was read, when that is as much as is shown', () => {
    const shown = page('bcde', 'after e');
    expect(joined(page('abcd', 'after d'), { limit: 4, shown, wanted: 4, keyOf })).toEqual(page('abcd', 'after d'));
    expect(joined(page('ab'), { limit: 4, shown, wanted: 4, keyOf })).toEqual(page('ab'));
  });

  it('keeps what a search of few has found, when it finds fewer or none at first', () => {
    const shown = page('bcd', 'deep');
    expect(joined(page('', 'shallow'), { limit: 4, shown, wanted: 12, keyOf })).toEqual(page('bcd', 'deep'));
    expect(joined(page('ab', 'shallow'), { limit: 4, shown, wanted: 12, keyOf })).toEqual(page('abcd', 'deep'));
    expect(joined(page('a', 'shallow'), { limit: 4, shown, wanted: 12, keyOf })).toEqual(page('abcd', 'deep'));
    expect(joined(page('d', 'shallow'), { limit: 4, shown, wanted: 12, keyOf })).toEqual(page('d', 'deep'));
  });

  it('goes on from where it was read to, when that is below what is shown', () => {
    const shown = page('ab', 'shallow');
    expect(joined(page('abc', 'deep'), { limit: 4, shown, wanted: 4, keyOf })).toEqual(page('abc', 'deep'));
    expect(joined(page('', 'deep'), { limit: 4, shown: page(''), wanted: 4, keyOf })).toEqual(page('', 'deep'));
  });

  it('keeps a page that was added while it was read', () => {
    const shown = page('abcd', 'after d');
    expect(joined(page('ab', 'after b'), { limit: 2, shown, wanted: 4, keyOf })).toEqual(page('abcd', 'after d'));
  });

  it('leaves no gap, when more is new than an answer holds', () => {
    const shown = page('efgh', 'after h');
    expect(joined(page('ab', 'after b'), { limit: 2, shown, wanted: 4, keyOf })).toEqual(page('ab', 'after b'));
  });
});
