import { describe, expect, it } from '@jest/globals';
import { fit, table } from './table.js';

describe('table', () => {
  it('cuts by what a terminal shows, not by code units', () => {
    expect(fit('東京東京', 5)).toBe('東京…');
    expect(fit('👩‍👩‍👧‍👦x', 3)).toBe('👩‍👩‍👧‍👦x');
    expect(fit('abc', 3)).toBe('abc');
    expect(fit('abcd', 3)).toBe('ab…');
  });

  it('leaves out the optional columns that are least needed first', () => {
    const columns = [
      { title: 'name', align: 'left', least: 4 },
      { title: 'first', align: 'right', optional: 1 },
      { title: 'second', align: 'right', optional: 2 },
    ] as const;
    const rows = [['a name', '1', '2']];
    expect(table(columns, rows, 30)[0]).toBe('name    first  second');
    expect(table(columns, rows, 15)[0]).toBe('name    first');
    expect(table(columns, rows, 10)[0]).toBe('name');
    expect(table(columns, rows, 4)[2]).toBe('a n…');
  });
});
