import { describe, expect, it } from '@jest/globals';
import { RowTally } from './row-tally.js';

const bad = (line: number, rows = 10, rejected = 1) => ({
  rows,
  rejected,
  firstRejected: { line, reason: 'has 1 field where the header has 2' },
});

describe('RowTally', () => {
  it('lets one rejected row in ten pass', () => {
    const tally = new RowTally({ file: 'x.csv' });
    tally.add(bad(30, 9));
    expect(() => tally.check()).not.toThrow();
    expect(tally).toMatchObject({ rows: 9, rejected: 1, hopeless: false });
  });

  it('refuses an input with more, naming the first line whatever order the receipts came in', () => {
    const tally = new RowTally({ file: 'x.csv' });
    tally.add(bad(30, 8));
    tally.add({ rows: 1, rejected: 0 });
    tally.add(bad(7, 0));
    expect(() => tally.check()).toThrow(
      "x.csv:7: has 1 field where the header has 2; 2 of 11 rows can't be read as the header's columns: the input is ragged or no CSV",
    );
  });

  it('refuses the first rejected row when strict', () => {
    const tally = new RowTally({ file: 'x.csv', strict: true });
    tally.add({ rows: 1000, rejected: 0 });
    expect(tally.hopeless).toBe(false);
    tally.add(bad(9, 1000));
    tally.add(bad(3, 1000));
    expect(tally.hopeless).toBe(true);
    expect(() => tally.check()).toThrow('x.csv:3: has 1 field where the header has 2');
  });
});
