/** Soon, so that changes that come together are told together. */
const SOON_MS = 50;

/** Tells others of changes, soon after the first and then at most once in a while. */
export class Announcements {
  private timer: NodeJS.Timeout | undefined;
  private next = 0;
  private stopped = false;

  /** `announce` is not called again within `gapMs` of the last time. It never rejects. */
  constructor(
    private readonly gapMs: number,
    private readonly announce: () => Promise<void>,
  ) {}

  /** There is something to tell. */
  due(): void {
    if (this.timer || this.stopped) return;
    const wait = Math.max(SOON_MS, this.next - performance.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.next = performance.now() + this.gapMs;
      void this.announce();
    }, wait).unref();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
