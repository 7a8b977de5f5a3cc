export interface SamplerOptions {
  /** The new traces of a second up to which all are recorded. */
  readonly rate: number;
  /** The share of the traces beyond `rate` that is recorded: 0 to 1. */
  readonly ratio: number;
}

/**
 * Decides which new traces are recorded, by a token bucket that holds the traces of one second, and a share of the traces
 * that find it empty. It is asked once for each trace, at its root; the decision goes with the messages (`traceparent`, the
 * flag `sampled`).
 */
export class Sampler {
  private tokens: number;
  private filledAt: number;

  constructor(
    private readonly options: SamplerOptions,
    /** Monotonic, in ms. */
    private readonly elapsed: () => number = () => performance.now(),
    private readonly random: () => number = Math.random,
  ) {
    this.tokens = options.rate;
    this.filledAt = elapsed();
  }

  readonly sample = (): boolean => {
    const { rate, ratio } = this.options;
    const now = this.elapsed();
    // Less than one trace a second: the bucket still has to hold one.
    const room = rate === 0 ? 0 : Math.max(1, rate);
    this.tokens = Math.min(room, this.tokens + ((now - this.filledAt) / 1_000) * rate);
    this.filledAt = now;
    if (this.tokens < 1) return this.random() < ratio;
    this.tokens -= 1;
    return true;
  };
}
