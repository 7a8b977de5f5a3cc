/** What rests until something happens. */
export class Alarm {
  private isRung = false;
  private stop: (() => void) | undefined;

  /** Something has happened. */
  wake(): void {
    this.isRung = true;
    this.stop?.();
  }

  /**
   * Resolves when something happens, or has happened since the last rest, with true; with false when the time is over, or the
   * signal aborts. Leaves nothing at the signal, which may live for long: `AbortSignal.any` would, in Node 20.
   */
  async rest(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.isRung && !signal.aborted)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        const stop = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', stop);
          resolve();
        };
        this.stop = stop;
        signal.addEventListener('abort', stop);
      });
    this.stop?.();
    this.stop = undefined;
    const { isRung } = this;
    this.isRung = false;
    return isRung;
  }
}
