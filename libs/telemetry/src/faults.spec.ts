import { beforeEach, describe, expect, it } from '@jest/globals';
import { SteadyFaults } from './faults.js';

describe('a state that does not flap', () => {
  let now = 0;
  let faults: SteadyFaults;
  beforeEach(() => {
    now = 1_000_000;
    faults = new SteadyFaults({ now: () => now });
  });

  const look = (...found: { readonly fault: string; readonly since?: Date }[]) =>
    faults.look(found.map((each) => ({ reason: `because of ${each.fault}`, ...each }))).status;
  const begun = (fault: string, ageMs = 0) => ({ fault, since: new Date(now - ageMs) });
  /** Looks each second while there is nothing; answers after how many it was up. */
  const healing = (): number => {
    for (let seconds = 0; ; seconds++, now += 1_000) if (look() === 'up') return seconds;
  };

  it('at a start tells things as they are', () => {
    expect(look(begun('not_connected'))).toBe('down');
    expect(look()).toBe('up');
  });

  it('a fault counts once it has lasted, or at once where it has no time', () => {
    look();
    const blocked = begun('blocked');
    expect(look(blocked)).toBe('degraded');
    now += 2_900;
    expect(look(blocked)).toBe('degraded');
    now += 100;
    expect(look(blocked)).toBe('down');
    expect(faults.look([]).faults).toEqual([
      { fault: 'blocked', reason: 'because of blocked', since: blocked.since.toISOString() },
    ]);
    healing();
    expect(look({ fault: 'full' })).toBe('down');
  });

  it('heals after a while of nothing, which a short fault begins anew', () => {
    look();
    look({ fault: 'full' });
    now += 4_000;
    expect(look(begun('blocked'))).toBe('down');
    expect(healing()).toBe(5);
  });

  it('heals later after each relapse, and as before after a long time without one', () => {
    look();
    const seconds = Array.from({ length: 5 }, () => {
      look({ fault: 'full' });
      return healing();
    });
    expect(seconds).toEqual([5, 10, 20, 40, 60]);
    now += 300_000;
    look({ fault: 'full' });
    expect(healing()).toBe(5);
  });
});
