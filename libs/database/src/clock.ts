/** Samples taken at first; the one that came back soonest is the most exact. Later ones are compared with it. */
const SAMPLES = 3;
/** How far a process's own oscillator may be off: 200 ms in a million (a PC's is within 100). */
const DRIFT = 0.0002;

/** What is known from one question: the database's time at one moment of the monotonic clock, give or take `error` ms. */
interface Sample {
  readonly at: number;
  readonly time: number;
  readonly error: number;
}

/**
 * The database's time as this process knows it: asked for now and then, with half of the round trip added, and counted
 * on by the monotonic clock in between, so that the process's own clock may be wrong, and may jump. Until the first
 * sample it is the process's own clock.
 */
export class DatabaseClock {
  private known: Sample | undefined;

  constructor(
    private readonly database: { now(): Promise<Date> },
    /** Monotonic, in ms. */
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  readonly now = (): Date => new Date(this.known ? timeAt(this.known, this.elapsed()) : Date.now());

  /**
   * Asks the database. A worse sample does not replace a better one that is not too old, unless the two contradict each
   * other: then the database's own clock was changed. Rejects as the store does.
   */
  async sample(): Promise<void> {
    let best = await this.ask();
    for (let n = this.known ? SAMPLES : 1; n < SAMPLES; n++) {
      const next = await this.ask();
      if (next.error < best.error) best = next;
    }
    if (!this.known) {
      this.known = best;
      return;
    }
    const agedError = this.known.error + (best.at - this.known.at) * DRIFT;
    const apart = Math.abs(timeAt(this.known, best.at) - best.time);
    if (best.error <= agedError || apart > best.error + agedError) this.known = best;
  }

  private async ask(): Promise<Sample> {
    const before = this.elapsed();
    const time = await this.database.now();
    const at = this.elapsed();
    const error = (at - before) / 2;
    return { at, time: time.getTime() + error, error };
  }
}

const timeAt = (sample: Sample, at: number): number => sample.time + (at - sample.at);
