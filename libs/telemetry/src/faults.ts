import type { ProbeResult } from './health.js';

/** Something that is wrong, as a probe finds it. */
export interface Fault {
  /** A short name, e.g. `blocked`. */
  readonly fault: string;
  readonly reason: string;
  /** Given, it counts once it has lasted for 3 s: a short one passes by itself. Not given, it counts at once. */
  readonly since?: Date;
}

/** A fault as health tells it. */
export interface ToldFault {
  readonly fault: string;
  readonly reason: string;
  readonly since: string;
}

export interface SteadyState extends Pick<ProbeResult, 'status'> {
  readonly faults: readonly ToldFault[];
  /** When it was found last; it is `down` until it has been gone for a while. */
  readonly lastSeen?: string;
}

export interface SteadyFaultsOptions {
  /** The wall clock, in ms. */
  readonly now?: () => number;
  /** How long a fault with a time has to last, in ms; 3000 unless given. */
  readonly countsAfterMs?: number;
  /** How long there must be none, in ms, after one; 5000 unless given. Twice that after each relapse, a minute at most. */
  readonly healsAfterMs?: number;
}

const COUNTS_AFTER_MS = 3_000;
const HEALS_AFTER_MS = 5_000;
const LONGEST_HEALING_MS = 60_000;
/** A fault that is back within this time is a relapse. */
const RELAPSE_MS = 300_000;

/**
 * Turns what is found at each look into a state that does not flap: what has lasted makes it `down`; it stays so until nothing
 * was found for a while, and for longer each time that a fault is back soon. Until nothing was found for the first time, at a
 * start, there is neither delay.
 */
export class SteadyFaults {
  private readonly now: () => number;
  private readonly countsAfterMs: number;
  private readonly healsAfterMs: number;
  private wasWell = false;
  private down: readonly ToldFault[] = [];
  private lastSeen = 0;
  private healedAt = -Infinity;
  private relapses = 0;
  /** Of faults that have no time of their own: when each was first found. */
  private firstFound = new Map<string, number>();

  constructor(options: SteadyFaultsOptions = {}) {
    this.now = options.now ?? Date.now;
    this.countsAfterMs = options.countsAfterMs ?? COUNTS_AFTER_MS;
    this.healsAfterMs = options.healsAfterMs ?? HEALS_AFTER_MS;
  }

  /** What is to be told now that `found` was found: `down` or not, with all that counts or may count soon. */
  look(found: readonly Fault[]): SteadyState {
    const now = this.now();
    const starting = !this.wasWell;
    const told = this.told(found, now);
    const counts = found.some(({ since }) => starting || !since || now - since.getTime() >= this.countsAfterMs);
    if (counts && this.down.length === 0 && !starting)
      this.relapses = now - this.healedAt < RELAPSE_MS ? this.relapses + 1 : 0;
    // A short fault on the way back is not the end of it.
    if (counts || (this.down.length > 0 && found.length > 0)) {
      this.down = told;
      this.lastSeen = now;
      return { status: 'down', faults: told };
    }
    if (found.length > 0) return { status: 'degraded', faults: told };
    this.wasWell = true;
    if (this.down.length > 0 && !starting) {
      if (now - this.lastSeen < this.healingMs)
        return { status: 'down', faults: this.down, lastSeen: new Date(this.lastSeen).toISOString() };
      this.healedAt = now;
    }
    this.down = [];
    return { status: 'up', faults: [] };
  }

  private get healingMs(): number {
    return Math.min(LONGEST_HEALING_MS, this.healsAfterMs * 2 ** this.relapses);
  }

  private told(found: readonly Fault[], now: number): ToldFault[] {
    const before = this.firstFound;
    this.firstFound = new Map(found.map(({ fault }) => [fault, before.get(fault) ?? now]));
    return found.map(({ fault, reason, since }) => ({
      fault,
      reason,
      since: (since ?? new Date(this.firstFound.get(fault) ?? now)).toISOString(),
    }));
  }
}
