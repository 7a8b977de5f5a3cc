const PARTS = 10;

interface Part {
  /** Which part of time it is, counted from the beginning of the clock. */
  readonly index: number;
  sum: number;
  count: number;
}

/** The average of what was added in the last `windowMs`, to a tenth of that. */
export class RecentAverage {
  private parts: Part[] = [];

  constructor(
    private readonly windowMs: number,
    /** Monotonic, in ms. */
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  add(value: number): void {
    const index = this.now();
    let last = this.parts.at(-1);
    if (last?.index !== index) {
      last = { index, sum: 0, count: 0 };
      this.parts.push(last);
      this.dropOld(index);
    }
    last.sum += value;
    last.count++;
  }

  /** Undefined when nothing was added. */
  get value(): number | undefined {
    this.dropOld(this.now());
    const count = this.parts.reduce((all, part) => all + part.count, 0);
    return count === 0 ? undefined : this.parts.reduce((all, part) => all + part.sum, 0) / count;
  }

  private now(): number {
    return Math.floor((this.elapsed() * PARTS) / this.windowMs);
  }

  private dropOld(now: number): void {
    this.parts = this.parts.filter(({ index }) => index > now - PARTS);
  }
}
