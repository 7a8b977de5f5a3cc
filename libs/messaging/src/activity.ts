/** How long it counts as busy after that, in ms. */
const BUSY_FOR_MS = 10_000;

/**
 * Whether this process has lately left something to be done later: an entry for the relay, a retry, a message that waits. While
 * it has not, looks at the store that only heal what was missed are rare.
 */
export class Activity {
  private busyUntil = -Infinity;
  private readonly listeners: (() => void)[] = [];

  /** `elapsed` is monotonic, in ms. */
  constructor(private readonly elapsed: () => number = () => performance.now()) {}

  get isIdle(): boolean {
    return this.elapsed() >= this.busyUntil;
  }

  /** Something is left to be done. */
  readonly note = (): void => {
    const begins = this.isIdle;
    this.busyUntil = this.elapsed() + BUSY_FOR_MS;
    if (begins) for (const listener of this.listeners) listener();
  };

  /** Calls the listener, which must not throw, whenever the process is idle no longer. */
  onBegin(listener: () => void): void {
    this.listeners.push(listener);
  }
}
