import { describe, expect, it } from '@jest/globals';
import { OncePer } from './once-per.js';

describe('OncePer', () => {
  it('is due once in a period for each key', () => {
    let now = 0;
    const due = new OncePer(1_000, () => now);
    expect([due.isDue('a'), due.isDue('a'), due.isDue('b')]).toEqual([true, false, true]);
    now = 999;
    expect(due.isDue('a')).toBe(false);
    now = 1_000;
    expect([due.isDue('a'), due.isDue('a')]).toEqual([true, false]);
  });

  it('remembers a bounded number of keys, and is not due for others meanwhile', () => {
    let now = 0;
    const due = new OncePer(1_000, () => now);
    const answers = Array.from({ length: 1_000 }, (_, n) => due.isDue(`key ${n}`));
    expect(answers.filter(Boolean)).toHaveLength(100);
    now = 1_000;
    expect(due.isDue('another')).toBe(true);
  });
});
