import { pause } from 'agentmq/messaging';

/** What rests until something happens. */
export class Alarm {
  private isRung = false;
  private stop: (() => void) | undefined;

  /** Something has happened. */
  wake(): void {
    this.isRung = true;
    this.stop?.();
  }

  /** Resolves when something happens, has happened since the last rest, or the time is over. */
  async rest(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.isRung) {
      const rung = new AbortController();
      this.stop = () => rung.abort();
      await pause(ms, AbortSignal.any([signal, rung.signal]));
      this.stop = undefined;
    }
    this.isRung = false;
  }
}
