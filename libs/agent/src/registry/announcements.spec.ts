import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Announcements } from './announcements.js';

describe('announcements', () => {
  const GAP_MS = 1_000;
  let told: number[];
  let announcements: Announcements;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    announcements = new Announcements(GAP_MS, () => {
      told.push(performance.now());
      return Promise.resolve();
    });
  });
  afterEach(() => {
    announcements.stop();
    jest.useRealTimers();
  });

  it('what changes together is told together, and soon', () => {
    for (let n = 0; n < 5; n++) announcements.due();
    expect(told).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(told).toHaveLength(1);
    jest.advanceTimersByTime(10 * GAP_MS);
    expect(told).toHaveLength(1);
  });

  it('what changes all the time is told once in a gap, the last change too', () => {
    const changing = setInterval(() => announcements.due(), 10);
    jest.advanceTimersByTime(10 * GAP_MS);
    clearInterval(changing);
    announcements.due();
    jest.advanceTimersByTime(GAP_MS);
    expect(told.length).toBeGreaterThanOrEqual(10);
    for (const [n, at] of told.slice(1).entries()) expect(at - (told[n] as number)).toBeGreaterThanOrEqual(GAP_MS);
  });

  it('after the stop there is nothing to tell', () => {
    announcements.due();
    announcements.stop();
    announcements.due();
    jest.advanceTimersByTime(10 * GAP_MS);
    expect(told).toEqual([]);
  });
});
