import { pause } from './pause.js';

/** A wait that can be ended early, before it begins too. */
export class Rest {
  private woken = false;
  private early = new AbortController();

  /** Resolves after `ms`, or when woken. */
  async sleep(ms: number): Promise<void> {
    this.early = new AbortController();
    if (!this.woken) await pause(ms, this.early.signal);
    this.woken = false;
  }

  /** Ends the sleep, or the next one at once. */
  wake(): void {
    this.woken = true;
    this.early.abort();
  }
}
