const SHORTEST_MS = 250;
const LONGEST_MS = 5_000;
const FORGOTTEN_AFTER_MS = 60_000;

interface Full {
  readonly pauseMs: number;
  readonly until: number;
}

/** The recipients whose queues are full: left alone for a moment, and for a longer one as long as they stay full. */
export class FullRecipients {
  private readonly full = new Map<string, Full>();

  /** `elapsed` is monotonic, in ms. */
  constructor(
    private readonly elapsed: () => number = () => performance.now(),
    private readonly random: () => number = Math.random,
  ) {}

  /** Whether there are none: then no name need be made to ask for one. */
  get isEmpty(): boolean {
    return this.full.size === 0;
  }

  /** A recipient refused. Answers for how many ms more it is left alone. What was under way beside it counts once. */
  refused(recipient: string): number {
    const now = this.elapsed();
    const before = this.full.get(recipient);
    if (before && now < before.until) return before.until - now;
    // Pauses are a quarter to the whole of a second at first.
    const ceiling = before ? Math.min(LONGEST_MS, before.pauseMs * 2) : SHORTEST_MS * 4;
    const pauseMs = ceiling / 4 + this.random() * ceiling * 0.75;
    this.full.set(recipient, { pauseMs: ceiling, until: now + pauseMs });
    return pauseMs;
  }

  /** A recipient took something. What it took before its pause ended says nothing. */
  accepted(recipient: string): void {
    const before = this.full.get(recipient);
    if (before && this.elapsed() >= before.until) this.full.delete(recipient);
  }

  has(recipient: string): boolean {
    const { until } = this.full.get(recipient) ?? { until: -Infinity };
    return this.elapsed() < until;
  }

  /** The recipients to leave alone now. */
  recipients(): string[] {
    const now = this.elapsed();
    for (const [recipient, { until }] of this.full) {
      if (now - until > FORGOTTEN_AFTER_MS) this.full.delete(recipient);
    }
    return [...this.full.keys()].filter((recipient) => this.has(recipient));
  }

  /** In how many ms the first of them may be tried again; undefined when there is none. */
  get nextMs(): number | undefined {
    const now = this.elapsed();
    const waits = [...this.full.values()].map(({ until }) => until - now).filter((ms) => ms > 0);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }
}
