import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { validate, version } from 'uuid';
import { newMessageId, newTraceId, randomDigits } from './ids.js';

const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a message id', () => {
  it('is a UUIDv7 of its time, unlike and above all that were made before', () => {
    const start = Date.now();
    const ids = Array.from({ length: 50_000 }, newMessageId);
    expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(timeOf(ids[0] ?? '')).toBeGreaterThanOrEqual(start);
    expect(timeOf(ids.at(-1) ?? '')).toBeLessThanOrEqual(Date.now());
  });

  it('stays above the one before when the clock is put back', () => {
    const before = newMessageId();
    jest.spyOn(Date, 'now').mockReturnValue(0);
    const after = Array.from({ length: 1_000 }, newMessageId);
    expect([before, ...after].sort()).toEqual([before, ...after]);
    expect(timeOf(after.at(-1) ?? '')).toBe(timeOf(before));
  });

  it('has random bits that ids of one millisecond do not share', () => {
    const now = Date.now() + 1_000;
    jest.spyOn(Date, 'now').mockReturnValue(now);
    const tails = Array.from({ length: 10_000 }, () => newMessageId().slice(24));
    expect(new Set(tails).size).toBe(tails.length);
    for (let place = 0; place < 12; place++) {
      expect(new Set(tails.map((tail) => tail[place])).size).toBe(16);
    }
  });
});

describe('random digits', () => {
  it('are as many as were asked for, and never the same, also when the bytes in store run out', () => {
    const all = Array.from({ length: 5_000 }, () => randomDigits(8));
    expect(all.every((digits) => /^[0-9a-f]{16}$/.test(digits))).toBe(true);
    expect(new Set(all).size).toBe(all.length);
  });

  it('end a trace id, which begins with its time', () => {
    const ids = Array.from({ length: 1_000 }, newTraceId);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(new Set(ids.map((id) => id.slice(12))).size).toBe(ids.length);
    expect(Math.abs(timeOf(ids[0] ?? '') - Date.now())).toBeLessThan(5_000);
  });
});
