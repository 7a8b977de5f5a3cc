import { LONGEST_TIMER_MS } from 'agentmq/time';

/** Ends something once, however often it is told to: the first to be over of the times that it is given counts. */
export class Ending {
  private ended: Promise<void> | undefined;
  private timeIsUp = (): void => undefined;
  private readonly timeUp = new Promise<void>((resolve) => (this.timeIsUp = resolve));

  /** `end` is called once, and is to hurry as soon as `timeUp` has resolved. */
  constructor(private readonly end: (timeUp: Promise<void>) => Promise<void>) {}

  get hasBegun(): boolean {
    return this.ended !== undefined;
  }

  /** Resolves and rejects as `end` does; the same promise each time. */
  within(timeoutMs: number): Promise<void> {
    const timer = setTimeout(this.timeIsUp, Math.min(timeoutMs, LONGEST_TIMER_MS));
    const over = (): void => clearTimeout(timer);
    this.ended ??= this.end(this.timeUp);
    this.ended.then(over, over);
    return this.ended;
  }
}
