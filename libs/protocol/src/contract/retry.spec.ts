import { describe, expect, it } from '@jest/globals';
import { InvalidMessageError } from '../errors.js';
import { retryDelay, type RetryOptions, type RetryPolicy, retryPolicy } from './retry.js';

const fallback: RetryPolicy = { attempts: 5, delay: 1_000, factor: 2, maxDelay: 60_000 };

const waits = (policy: RetryPolicy, random: number): number[] =>
  [1, 2, 3, 4, 5].map((failures) => retryDelay(policy, failures, () => random));

describe('retryPolicy', () => {
  it('takes from the fallback what the options leave open', () => {
    expect(retryPolicy({}, fallback)).toEqual(fallback);
    expect(retryPolicy({ attempts: 1, maxDelay: 500 }, fallback)).toEqual({ ...fallback, attempts: 1, maxDelay: 500 });
  });

  it.each<[string, RetryOptions]>([
    ['retry.attempts', { attempts: 0 }],
    ['retry.attempts', { attempts: 1.5 }],
    ['retry.attempts', { attempts: 101 }],
    ['retry.attempts', { attempts: NaN }],
    ['retry.delay', { delay: -1 }],
    ['retry.delay', { delay: Infinity }],
    ['retry.factor', { factor: 0.5 }],
    ['retry.maxDelay', { maxDelay: -1 }],
    ['retry.maxDelay', { maxDelay: 8 * 24 * 3_600_000 }],
  ])('names %s when it is out of range: %j', (field, options) => {
    expect(() => retryPolicy(options, fallback)).toThrow(InvalidMessageError);
    expect(() => retryPolicy(options, fallback)).toThrow(expect.objectContaining({ field }));
  });
});

describe('retryDelay', () => {
  it('grows by the factor up to the ceiling', () => {
    expect(waits({ ...fallback, maxDelay: 5_000 }, 1)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(waits({ ...fallback, factor: 1 }, 1)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
  });

  it('leaves half of the wait to chance', () => {
    expect(waits(fallback, 0)).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
    expect(waits(fallback, 0.5)).toEqual([750, 1_500, 3_000, 6_000, 12_000]);
    const random = new Set(Array.from({ length: 50 }, () => retryDelay({ ...fallback, delay: 60_000 }, 1)));
    expect(random.size).toBeGreaterThan(10);
    for (const wait of random) expect(wait >= 30_000 && wait <= 60_000).toBe(true);
  });

  it('is a whole number of ms, however many attempts have failed', () => {
    expect(retryDelay({ ...fallback, delay: 0.3 }, 1, () => 0.123)).toBe(0);
    expect(retryDelay(fallback, 2_000, () => 1)).toBe(60_000);
    expect(retryDelay({ ...fallback, delay: 0 }, 3, () => 1)).toBe(0);
  });
});
