import { describe, expect, it } from '@jest/globals';
import { DatabaseClock } from './clock.js';

/** A database whose time is `ahead` ms ahead of the monotonic clock, and that answers after the trips given, in ms. */
function database(trips: number[]) {
  let elapsed = 1_000;
  let ahead = Date.parse('2030-01-01T00:00:00Z');
  const store = {
    now: (): Promise<Date> => {
      const trip = trips.shift() ?? 0;
      const time = new Date(elapsed + ahead + trip / 2);
      elapsed += trip;
      return Promise.resolve(time);
    },
  };
  return {
    clock: new DatabaseClock(store, () => elapsed),
    pass: (ms: number) => (elapsed += ms),
    jump: (ms: number) => (ahead += ms),
    time: () => elapsed + ahead,
    error: (clock: DatabaseClock) => Math.abs(clock.now().getTime() - (elapsed + ahead)),
  };
}

describe('DatabaseClock', () => {
  it("is the process's own clock until it was told the database's", () => {
    const { clock } = database([]);
    expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(1_000);
  });

  it('is as exact as half of the shortest round trip, and counts on without asking', async () => {
    const { clock, pass, error } = database([80, 4, 60]);
    await clock.sample();
    expect(error(clock)).toBeLessThanOrEqual(2);
    pass(20_000);
    expect(error(clock)).toBeLessThanOrEqual(2);
  });

  it('is not spoilt by answers that took long', async () => {
    let elapsed = 0;
    let late = 0;
    // All of the delay is on the way back: half of it is the error.
    const clock = new DatabaseClock(
      { now: () => Promise.resolve(new Date(1_000_000 + elapsed)).then((time) => ((elapsed += late), time)) },
      () => elapsed,
    );
    await clock.sample();
    late = 500;
    elapsed += 30_000;
    await clock.sample();
    expect(clock.now().getTime()).toBe(1_000_000 + elapsed);
  });

  it("follows when the database's clock is set", async () => {
    const { clock, pass, jump, error } = database([2, 2, 2, 10, 10, 10]);
    await clock.sample();
    pass(30_000);
    jump(3_600_000);
    await clock.sample();
    expect(error(clock)).toBeLessThanOrEqual(5);
  });

  it('rejects when the database can not be asked, and keeps what it knew', async () => {
    const broken = new DatabaseClock({ now: () => Promise.reject(new Error('away')) });
    await expect(broken.sample()).rejects.toThrow('away');
  });
});
