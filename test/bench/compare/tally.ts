/** Counts, and tells those who wait for a count. */
export class Tally {
  private count = 0;
  private readonly waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  get total(): number {
    return this.count;
  }

  add(count = 1): void {
    this.count += count;
    while (this.waiting[0] && this.waiting[0].count <= this.count) this.waiting.shift()?.resolve();
  }

  /** Resolves once the count is reached. To be asked for in ascending order. */
  reached(count: number): Promise<void> {
    if (count <= this.count) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ count, resolve }));
  }
}
