import { answeredWithin } from './answered-within.js';

const EVERY_MS = 5_000;
const PATIENCE_MS = 2_000;
/** What takes long is read less often: the rest is so many times as long as the read, */
const REST_FACTOR = 20;
/** but no longer, in ms: what is told must not be old for long because the database was slow once. */
const LONGEST_REST_MS = 60_000;

export interface SharedReadOptions {
  /** From the start of one read to the next, in ms, at least; 5000 unless given. */
  readonly everyMs?: number;
  /** How many times as long as a read the rest after it is; 20 unless given. After a failure only `everyMs` counts. */
  readonly restFactor?: number;
  /** How long that rest is at most, in ms; a minute unless given. */
  readonly longestRestMs?: number;
  /** How long a caller waits for a read, in ms; 2000 unless given. */
  readonly patienceMs?: number;
  /** Monotonic, in ms. */
  readonly elapsed?: () => number;
}

/** Reads once for all callers of a while, so that a database is not read anew for each scrape. */
export class SharedRead<T> {
  private latest: Promise<T> | undefined;
  private running = false;
  /** When it may be read again. */
  private next = 0;

  constructor(
    private readonly read: () => Promise<T>,
    private readonly options: SharedReadOptions = {},
  ) {}

  /** What was read last. Rejects as `read` does, and when that takes too long: a later caller gets its answer. */
  get(): Promise<T> {
    const { everyMs = EVERY_MS, patienceMs = PATIENCE_MS, restFactor = REST_FACTOR } = this.options;
    const { longestRestMs = LONGEST_REST_MS, elapsed = () => performance.now() } = this.options;
    if (this.latest === undefined || (!this.running && elapsed() >= this.next)) {
      const begun = elapsed();
      this.running = true;
      const ended = (rest: number): void => {
        this.running = false;
        this.next = Math.max(begun + everyMs, elapsed() + rest);
      };
      this.latest = this.read();
      this.latest.then(
        () => ended(Math.min(restFactor * (elapsed() - begun), longestRestMs)),
        () => ended(0),
      );
    }
    return answeredWithin(patienceMs, this.latest);
  }
}
