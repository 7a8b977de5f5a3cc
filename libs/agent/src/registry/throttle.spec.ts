import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Throttle } from './throttle.js';

describe('a throttle', () => {
  const GAP_MS = 1_000;
  let done: number[];
  let throttle: Throttle;

  beforeEach(() => {
    jest.useFakeTimers();
    done = [];
    throttle = new Throttle(GAP_MS, () => {
      done.push(performance.now());
      return Promise.resolve();
    });
  });
  afterEach(() => {
    throttle.stop();
    jest.useRealTimers();
  });

  it('what is due together is done together, and soon', () => {
    for (let n = 0; n < 5; n++) throttle.due();
    expect(done).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(done).toHaveLength(1);
    jest.advanceTimersByTime(10 * GAP_MS);
    expect(done).toHaveLength(1);
  });

  it('what is due all the time is done once in a gap, the last time too', () => {
    const asking = setInterval(() => throttle.due(), 10);
    jest.advanceTimersByTime(10 * GAP_MS);
    clearInterval(asking);
    throttle.due();
    jest.advanceTimersByTime(GAP_MS);
    expect(done.length).toBeGreaterThanOrEqual(10);
    for (const [n, at] of done.slice(1).entries()) expect(at - (done[n] as number)).toBeGreaterThanOrEqual(GAP_MS);
  });

  it('after the stop there is nothing to do', () => {
    throttle.due();
    throttle.stop();
    throttle.due();
    jest.advanceTimersByTime(10 * GAP_MS);
    expect(done).toEqual([]);
  });
});
