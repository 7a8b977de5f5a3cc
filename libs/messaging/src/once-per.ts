/** The most keys remembered: they may be of foreign text. */
const KEPT = 100;

/** Says of each of a bounded number of keys whether it was due within the last `periodMs`. */
export class OncePer {
  private readonly last = new Map<string, number>();

  constructor(
    private readonly periodMs: number,
    /** Monotonic, in ms. */
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  /** True at first, and again after the period. A key that is not remembered is due only when another can be forgotten. */
  isDue(key: string): boolean {
    const now = this.elapsed();
    const last = this.last.get(key);
    if (last !== undefined && now - last < this.periodMs) return false;
    if (last === undefined && this.last.size >= KEPT) {
      const [oldest] = this.last;
      if (oldest && now - oldest[1] < this.periodMs) return false;
      if (oldest) this.last.delete(oldest[0]);
    }
    this.last.delete(key);
    this.last.set(key, now);
    return true;
  }
}
