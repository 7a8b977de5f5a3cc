const SHORTEST_MS = 250;
const LONGEST_MS = 5_000;
const FORGOTTEN_AFTER_MS = 60_000;

interface Full {
  readonly pauseMs: number;
  readonly until: number;
}

/** The targets whose queues are full: left alone for a moment, and for a longer one as long as they stay full. */
export class FullTargets {
  private readonly full = new Map<string, Full>();

  /** `elapsed` is monotonic, in ms. */
  constructor(
    private readonly elapsed: () => number = () => performance.now(),
    private readonly random: () => number = Math.random,
  ) {}

  /** A target refused. Answers for how many ms more it is left alone. What was under way beside it counts once. */
  refused(target: string): number {
    const now = this.elapsed();
    const before = this.full.get(target);
    if (before && now < before.until) return before.until - now;
    // Pauses are a quarter to the whole of a second at first.
    const ceiling = before ? Math.min(LONGEST_MS, before.pauseMs * 2) : SHORTEST_MS * 4;
    const pauseMs = ceiling / 4 + this.random() * ceiling * 0.75;
    this.full.set(target, { pauseMs: ceiling, until: now + pauseMs });
    return pauseMs;
  }

  /** A target took something. What it took before its pause ended says nothing. */
  accepted(target: string): void {
    const before = this.full.get(target);
    if (before && this.elapsed() >= before.until) this.full.delete(target);
  }

  has(target: string): boolean {
    const { until } = this.full.get(target) ?? { until: -Infinity };
    return this.elapsed() < until;
  }

  /** The targets to leave alone now. */
  targets(): string[] {
    const now = this.elapsed();
    for (const [target, { until }] of this.full) if (now - until > FORGOTTEN_AFTER_MS) this.full.delete(target);
    return [...this.full.keys()].filter((target) => this.has(target));
  }

  /** In how many ms the first of them may be tried again; undefined when there is none. */
  get nextMs(): number | undefined {
    const now = this.elapsed();
    const waits = [...this.full.values()].map(({ until }) => until - now).filter((ms) => ms > 0);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }
}
