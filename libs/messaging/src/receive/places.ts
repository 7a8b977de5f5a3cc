/** The places of one receiver, or of an agent's tasks: each is taken from when a message comes until it may be acknowledged. */
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

  get isEmpty(): boolean {
    return this.taken === 0;
  }

  get isFull(): boolean {
    return this.taken >= this.size;
  }

  take(): void {
    if (++this.taken >= this.size) this.fullSince = this.elapsed();
  }

  free(): void {
    this.taken--;
    this.fullSince = undefined;
  }
}
