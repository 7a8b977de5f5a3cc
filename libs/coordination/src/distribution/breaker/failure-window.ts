/** When a circuit opens. */
export interface FailureLimits {
  /** The share of failures, 0 to 1, above which it opens. */
  readonly failureRate: number;
  /** How far back calls count, in ms. */
  readonly window: number;
  /** The fewest calls within the window that it opens on. */
  readonly minimumVolume: number;
}

const SLICES = 10;

/** The calls of the last while, by tenths of the window, the one under way included. */
export class FailureWindow {
  private slices: { readonly number: number; failures: number; total: number }[] = [];

  constructor(private readonly limits: FailureLimits) {}

  /** Counts a call. Returns whether it is one failure too many. */
  count(hasFailed: boolean): boolean {
    const { window, minimumVolume, failureRate } = this.limits;
    const number = Math.floor(performance.now() / (window / SLICES));
    this.slices = this.slices.filter((slice) => slice.number > number - SLICES);
    let current = this.slices.at(-1);
    if (current?.number !== number) this.slices.push((current = { number, failures: 0, total: 0 }));
    current.total++;
    if (!hasFailed) return false;
    current.failures++;
    const sum = (of: 'failures' | 'total'): number => this.slices.reduce((all, slice) => all + slice[of], 0);
    const total = sum('total');
    return total >= minimumVolume && sum('failures') > failureRate * total;
  }

  clear(): void {
    this.slices = [];
  }
}
