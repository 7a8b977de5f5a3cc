import { CircuitState, type IBreaker } from 'cockatiel';

/** When a circuit opens. */
export interface FailureLimits {
  /** The share of failures, 0 to 1, above which it opens. */
  readonly failureRate: number;
  /** How far back calls count, in ms. */
  readonly window: number;
  /** The fewest calls within the window that it opens on. */
  readonly minimumVolume: number;
}

interface Slice {
  /** Which slice of time it holds; an older one is empty. */
  number: number;
  failures: number;
  total: number;
}

const SLICES = 10;

/**
 * The calls of the last while, by tenths of the window, the one under way included. Says at each failure whether the
 * circuit opens. Cockatiel's own `SamplingBreaker` keeps old calls for as long as no new ones come.
 */
export class FailureWindow implements IBreaker {
  private slices: readonly Slice[] = emptySlices();
  private readonly sliceMs: number;

  constructor(private readonly limits: FailureLimits) {
    this.sliceMs = limits.window / SLICES;
  }

  /** Nothing is carried over from one process to the next. */
  readonly state = undefined;

  success(state: CircuitState): void {
    if (state === CircuitState.HalfOpen) this.slices = emptySlices();
    else this.current().total++;
  }

  failure(state: CircuitState): boolean {
    if (state !== CircuitState.Closed) return true;
    const current = this.current();
    current.total++;
    current.failures++;
    const { failures, total } = this.sums(current.number);
    return total >= this.limits.minimumVolume && failures > this.limits.failureRate * total;
  }

  private current(): Slice {
    const number = Math.floor(performance.now() / this.sliceMs);
    const slice = this.slices[number % SLICES] as Slice;
    if (slice.number !== number) Object.assign(slice, { number, failures: 0, total: 0 });
    return slice;
  }

  private sums(latest: number): { failures: number; total: number } {
    let failures = 0;
    let total = 0;
    for (const slice of this.slices) {
      if (slice.number <= latest - SLICES) continue;
      failures += slice.failures;
      total += slice.total;
    }
    return { failures, total };
  }
}

const emptySlices = (): readonly Slice[] =>
  Array.from({ length: SLICES }, () => ({ number: -SLICES, failures: 0, total: 0 }));
