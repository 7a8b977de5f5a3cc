/** From one line of a kind to the next, in ms, unless a log says otherwise. */
const EVERY_MS = 5_000;
/** The most kinds that are remembered: a kind's name may hold text from outside. */
const MOST_KINDS = 100;

interface Kind {
  /** When it may be told again. */
  next: number;
  untold: number;
}

export interface RepeatedLogOptions {
  /** From one line of a kind to the next, in ms; 5000 unless given. */
  readonly everyMs?: number;
  /** Monotonic, in ms. */
  readonly elapsed?: () => number;
}

/**
 * Logs what may come many times a second, such as the errors of a database that is away: the first of each kind at once, then
 * one line in a while. When as many kinds as fit are remembered, a new kind is left out until one of them may be told again, so
 * that the number of lines has a bound for any number of kinds.
 */
export class RepeatedLog {
  private readonly kinds = new Map<string, Kind>();
  private readonly everyMs: number;
  private readonly elapsed: () => number;

  constructor(
    private readonly logger: { warn(line: string): void },
    { everyMs = EVERY_MS, elapsed = () => performance.now() }: RepeatedLogOptions = {},
  ) {
    this.everyMs = everyMs;
    this.elapsed = elapsed;
  }

  /** `what` failed with an error: that, with the error's code or name, is its kind. The line says how many were left out. */
  warn(what: string, error: unknown): void {
    const untold = this.take(`${what} ${nameOf(error)}`);
    if (untold === undefined) return;
    const more = untold > 0 ? ` (${untold} more since the last such line)` : '';
    this.logger.warn(`${what}: ${fieldOf(error, 'message') ?? String(error)}${more}`);
  }

  /** A line of this kind. */
  note(kind: string, line: string): void {
    if (this.take(kind) !== undefined) this.logger.warn(line);
  }

  /** How many of a kind were left out before this one; undefined when this one is to be left out too. */
  private take(kind: string): number | undefined {
    const now = this.elapsed();
    const known = this.kinds.get(kind);
    if (known && now < known.next) {
      known.untold++;
      return undefined;
    }
    if (!known && !this.hasRoom(now)) return undefined;
    // In the order in which they may be told again.
    this.kinds.delete(kind);
    this.kinds.set(kind, { next: now + this.everyMs, untold: 0 });
    return known?.untold ?? 0;
  }

  private hasRoom(now: number): boolean {
    if (this.kinds.size < MOST_KINDS) return true;
    for (const [kind, { next }] of this.kinds) {
      if (next > now) break;
      this.kinds.delete(kind);
    }
    return this.kinds.size < MOST_KINDS;
  }
}

const nameOf = (error: unknown): string => fieldOf(error, 'code') ?? fieldOf(error, 'name') ?? typeof error;

/** An error may also be one that came over the wire: no instance of any class. */
function fieldOf(error: unknown, field: 'code' | 'name' | 'message'): string | undefined {
  const value = (error as Partial<Record<typeof field, unknown>> | null | undefined)?.[field];
  return typeof value === 'string' ? value : undefined;
}
