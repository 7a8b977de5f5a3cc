/** A wait that can be ended early, before it begins too. */
export class Rest {
  private isWoken = false;
  private cut: (() => void) | undefined;

  /** Ends the sleep, or the next one at once. */
  wake(): void {
    this.isWoken = true;
    this.cut?.();
  }

  /**
   * Resolves with true when woken, or if that was done since the last sleep; with false after `ms`, or when the signal aborts. Leaves
   * nothing at the signal, which may live for long: `AbortSignal.any` would, in Node 20.
   */
  async sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.isWoken && !signal?.aborted)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        const cut = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', cut);
          resolve();
        };
        this.cut = cut;
        signal?.addEventListener('abort', cut);
      });
    this.cut?.();
    this.cut = undefined;
    const { isWoken } = this;
    this.isWoken = false;
    return isWoken;
  }
}
