import { pause } from 'agentmq/time';
import { Alarm } from '../tasks/dispatch/alarm.js';

/** While nobody tells of a place, it is looked for so often; and no oftener than that, however many tell. In ms. */
const LOOK_MS = 1_000;
const LEAST_MS = 20;

/** Where starts of one pipeline wait for a place, in the order in which they came: only the first one tries. */
export class Entrance {
  private readonly alarm = new Alarm();
  private last: Promise<void> = Promise.resolve();

  /** There may be a place now. */
  wake(): void {
    this.alarm.wake();
  }

  /** Tries, and again if that was in vain; resolves with undefined once the signal has aborted. */
  async enter<T>(attempt: () => Promise<T | undefined>, signal: AbortSignal): Promise<T | undefined> {
    const turn = this.last;
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    this.last = turn.then(() => left);
    try {
      await either(turn, signal);
      while (!signal.aborted) {
        const entered = await attempt();
        if (entered !== undefined) return entered;
        await pause(LEAST_MS, signal);
        await this.alarm.rest(LOOK_MS, signal);
      }
      return undefined;
    } finally {
      leave();
    }
  }
}

/** Resolves with the promise, or when the signal aborts. */
async function either(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (stop = resolve));
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  await Promise.race([promise, aborted]);
  signal.removeEventListener('abort', stop);
}
