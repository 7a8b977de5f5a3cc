import { describe, expect, it } from '@jest/globals';
import { StartFailures } from './start-failures.js';

describe('starts that fail', () => {
  it('are followed by longer and longer waits, up to a minute', () => {
    const failures = new StartFailures();
    expect(failures.waitFrom(0)).toBe(0);
    const waits: number[] = [];
    let now = 0;
    for (let n = 1; n <= 8; n++) {
      expect(failures.note(now, now)).toMatchObject({ inARow: n });
      waits.push(failures.waitFrom(now) / 1_000);
      now += failures.waitFrom(now);
      expect(failures.waitFrom(now)).toBe(0);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('are one if they were begun before the last was known', () => {
    const failures = new StartFailures();
    expect(failures.note(100, 10)).toEqual({ inARow: 1, wait: 1_000 });
    expect(failures.note(200, 20)).toBeUndefined();
    expect(failures.waitFrom(200)).toBe(900);
    expect(failures.note(1_200, 1_100)).toEqual({ inARow: 2, wait: 2_000 });
  });

  it('are forgotten when a worker has come', () => {
    const failures = new StartFailures();
    failures.note(0, 0);
    failures.note(1_000, 1_000);
    failures.reset();
    expect(failures.waitFrom(1_000)).toBe(0);
    expect(failures.note(2_000, 2_000)).toEqual({ inARow: 1, wait: 1_000 });
  });
});
