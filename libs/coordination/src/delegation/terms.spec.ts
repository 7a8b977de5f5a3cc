import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidTaskError } from '../tasks/errors.js';
import { NoTimeLeftError } from './errors.js';
import { termsOf } from './terms.js';

const whole = (leftMs: number, now = 0) => ({ onFailure: 'partial', attempts: 7, until: now + leftMs }) as const;

describe('the terms of a delegation', () => {
  it('are those of the running task, unless given', () => {
    const terms = termsOf({}, whole(1_000), 0);
    expect(terms).toMatchObject({ concurrency: 16, onFailure: 'partial', attempts: 7 });
    expect(termsOf({ onFailure: 'fail-fast', attempts: 2, concurrency: 3 }, whole(1_000), 0)).toMatchObject({
      concurrency: 3,
      onFailure: 'fail-fast',
      attempts: 2,
    });
    expect(termsOf({}, undefined, 0)).toMatchObject({ onFailure: 'fail-fast', attempts: undefined });
    expect(termsOf({}, undefined, 0).timeFor(5)).toBeUndefined();
    expect(termsOf({ deadline: 300 }, undefined, 0).timeFor(5)).toBe(300);
  });

  it('keep a tenth of the time for what is made of the parts, and at least 50 ms', () => {
    expect(termsOf({}, whole(10_000), 0).timeFor(0)).toBe(9_000);
    expect(termsOf({}, whole(100), 0).timeFor(0)).toBe(50);
    expect(termsOf({ reserve: 0 }, whole(100), 0).timeFor(0)).toBe(100);
    expect(termsOf({ deadline: 200 }, whole(10_000), 0).timeFor(0)).toBe(200);
  });

  it('give no part as much time as its whole has, however deep the tree', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.array(fc.nat(1_000), { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (leftMs, delays, start) => {
          let now = start;
          let until = start + leftMs;
          for (const delay of delays) {
            const terms = termsOf({}, { onFailure: 'fail-fast', attempts: 3, until }, now);
            now += delay;
            let time: number | undefined;
            try {
              time = terms.timeFor(now);
            } catch (error) {
              expect(error).toBeInstanceOf(NoTimeLeftError);
              expect(until - now).toBeLessThan(Math.max(51, (until - now + delay) * 0.1 + 2));
              return;
            }
            expect(time).toBeGreaterThanOrEqual(1);
            expect(now + (time ?? 0)).toBeLessThanOrEqual(until - 50 + 1e-3);
            until = now + (time ?? 0);
          }
        },
      ),
    );
  });

  it('end when no time is left', () => {
    const terms = termsOf({}, whole(1_000), 0);
    expect(terms.timeFor(899)).toBe(1);
    expect(() => terms.timeFor(900)).toThrow(NoTimeLeftError);
    expect(() => termsOf({}, whole(50), 0).timeFor(0)).toThrow(
      expect.objectContaining({
        code: 'NO_TIME_LEFT',
        retryable: false,
        leftMs: 50,
        reserveMs: 50,
      }),
    );
    expect(() => termsOf({}, whole(-5), 0).timeFor(0)).toThrow('0 ms, of which 50 ms are kept');
  });

  it.each([
    ['concurrency', { concurrency: 0 }],
    ['concurrency', { concurrency: 1_001 }],
    ['deadline', { deadline: 1.5 }],
    ['reserve', { reserve: -1 }],
  ])('are refused for a wrong %s', (field, options) => {
    expect(() => termsOf(options, undefined, 0)).toThrow(InvalidTaskError);
    expect(() => termsOf(options, undefined, 0)).toThrow(expect.objectContaining({ field }));
  });
});
