import { describe, expect, it } from '@jest/globals';
import { Drain } from './drain.js';

describe('the drain of a backlog', () => {
  it('is what came in and is not there any more, a second', () => {
    const drain = new Drain();
    expect(drain.settledPerSecond(20_000, 1_000, 100)).toBe(0);
    expect(drain.settledPerSecond(18_000, 3_000, 100)).toBe(1_100);
    // the same reading again
    expect(drain.settledPerSecond(18_000, 3_000, 0)).toBe(1_100);
    expect(drain.settledPerSecond(19_000, 5_000, 100)).toBe(0);
  });
});
