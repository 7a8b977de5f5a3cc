/** Soon, so that what is due together is done together. */
const SOON_MS = 50;

/** Runs work soon after it is due for the first time, and then at most once in a while, however often it is due. */
export class Throttle {
  private timer: NodeJS.Timeout | undefined;
  private next = 0;
  private stopped = false;

  /** `run` is not called again within `gapMs` of the last time. It never rejects. */
  constructor(
    private readonly gapMs: number,
    private readonly run: () => Promise<void>,
  ) {}

  /** There is something to do. */
  due(): void {
    if (this.timer || this.stopped) return;
    const wait = Math.max(SOON_MS, this.next - performance.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.next = performance.now() + this.gapMs;
      void this.run();
    }, wait).unref();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
