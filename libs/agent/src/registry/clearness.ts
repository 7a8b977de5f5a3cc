import type { RegistryTimes } from './times.js';

/** A heartbeat of one's own that succeeded: when, by this process' monotonic clock (ms) and by the database's. */
interface Success {
  readonly at: number;
  readonly now: Date;
}

/**
 * Whether this process may judge others by their silence. It may when its own heartbeats have succeeded for long enough
 * without a gap. A gap is a failure, or a time in which this process was itself paused, or the database's clock has jumped.
 */
export class Clearness {
  private since: Success | undefined;
  private latest: Success | undefined;

  constructor(private readonly times: Pick<RegistryTimes, 'longestGap' | 'patience'>) {}

  /** At `at`, by this process' monotonic clock. */
  isClear(at: number): boolean {
    const { longestGap, patience } = this.times;
    if (!this.since || !this.latest || at - this.latest.at > longestGap) return false;
    return this.latest.at - this.since.at >= patience;
  }

  /** A heartbeat has succeeded, and all was read: at the one's `at` and the other's `now`. */
  succeeded(at: number, now: Date): void {
    const success = { at, now };
    if (!this.latest || this.isGap(this.latest, success)) this.since = success;
    this.latest = success;
  }

  failed(): void {
    this.since = undefined;
    this.latest = undefined;
  }

  private isGap(last: Success, next: Success): boolean {
    return Math.max(next.at - last.at, next.now.getTime() - last.now.getTime()) > this.times.longestGap;
  }
}
