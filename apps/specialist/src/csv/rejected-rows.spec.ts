import { describe, expect, it } from '@jest/globals';
import { checkRejectedRows } from './rejected-rows.js';

const check = (rows: number, lines: readonly number[], strict = false) => {
  const listed = lines.map((line) => ({ line, reason: 'has 1 field where the header has 2' }));
  return () => checkRejectedRows('x.csv', { rows, rejected: { count: lines.length, rows: listed } }, strict);
};

describe('checkRejectedRows', () => {
  it('lets one rejected row in ten pass', () => {
    expect(check(9, [30])).not.toThrow();
  });

  it('refuses an input with more, naming the first line', () => {
    expect(check(9, [7, 30])).toThrow(
      "x.csv:7: has 1 field where the header has 2; 2 of 11 rows can't be read as the header's columns: the input is ragged or no CSV",
    );
  });

  it('refuses the first rejected row when strict', () => {
    expect(check(1000, [], true)).not.toThrow();
    expect(check(1000, [3], true)).toThrow('x.csv:3: has 1 field where the header has 2');
  });
});
