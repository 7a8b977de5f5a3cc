import { pause, Rest } from 'agentmq/time';

/** How often a place is looked for while no notice tells of one; and the least time between two looks, however many tell. In ms. */
const LOOK_MS = 1_000;
const LEAST_MS = 20;

/** Where starts of one pipeline wait for a place, in the order in which they came: only the first one tries. */
export class Entrance {
  private readonly rest = new Rest();
  private last: Promise<void> = Promise.resolve();

  /** There may be a place now. */
  wake(): void {
    this.rest.wake();
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
        await this.rest.sleep(LOOK_MS, signal);
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
