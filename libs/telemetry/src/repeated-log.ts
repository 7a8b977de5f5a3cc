/** How often one kind of trouble is told, in ms. */
const EVERY_MS = 5_000;
/** The most kinds that are remembered: what their names are made of may come from outside. */
const MOST_KINDS = 100;

interface Kind {
  /** When it may be told again. */
  next: number;
  untold: number;
}

/**
 * Logs troubles that may come many times a second, such as a database that is away: the first of each kind at once, then
 * one line every few seconds, which says how many there were between.
 */
export class RepeatedLog {
  private readonly kinds = new Map<string, Kind>();

  constructor(
    private readonly logger: { warn(line: string): void },
    /** Monotonic, in ms. */
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  /** `what` failed with an error: together with the error's code, or name, that makes its kind. */
  warn(what: string, error: unknown): void {
    const now = this.elapsed();
    const name = `${what} ${nameOf(error)}`;
    const kind = this.kinds.get(name);
    if (kind && now < kind.next) {
      kind.untold++;
      return;
    }
    if (!kind && this.kinds.size >= MOST_KINDS) this.forget(now);
    this.kinds.set(name, { next: now + EVERY_MS, untold: 0 });
    const more = kind && kind.untold > 0 ? ` (and ${kind.untold} times more since the last such line)` : '';
    this.logger.warn(`${what}: ${fieldOf(error, 'message') ?? String(error)}${more}`);
  }

  private forget(now: number): void {
    for (const [name, { next }] of this.kinds) if (next <= now) this.kinds.delete(name);
    // all are recent: the oldest goes
    const [oldest] = this.kinds.keys();
    if (this.kinds.size >= MOST_KINDS && oldest !== undefined) this.kinds.delete(oldest);
  }
}

const nameOf = (error: unknown): string => fieldOf(error, 'code') ?? fieldOf(error, 'name') ?? typeof error;

/** An error may also be one that came over the wire: no instance of any class. */
function fieldOf(error: unknown, field: 'code' | 'name' | 'message'): string | undefined {
  const value = (error as Partial<Record<typeof field, unknown>> | null | undefined)?.[field];
  return typeof value === 'string' ? value : undefined;
}
