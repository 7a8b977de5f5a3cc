/** The places of one inbox: each is taken from when a message is received until it may be acknowledged. */
export class Places {
  private taken = 0;
  /** Since when all are taken and none was freed; undefined while one is free. */
  private fullSince: number | undefined;

  /** `elapsed` is monotonic, in ms. */
  constructor(
    private readonly size: number,
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  /** For how long, in ms, all places have been taken without one being freed; undefined while one is free. */
  get stalledMs(): number | undefined {
    return this.fullSince === undefined ? undefined : this.elapsed() - this.fullSince;
  }

  /** Takes a place while `work` runs. Settles as it does. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    if (++this.taken >= this.size) this.fullSince = this.elapsed();
    try {
      return await work();
    } finally {
      this.taken--;
      this.fullSince = undefined;
    }
  }
}
