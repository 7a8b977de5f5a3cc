import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { RefusedDataError, StoreUnavailableError } from 'agentmq/message-store';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** Half of a doubling delay, and up to as much again at random, so that many do not come back at once. */
export function backoff(attempt: number, firstMs = FIRST_DELAY_MS, longestMs = LONGEST_DELAY_MS): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

/** Resolves after `ms`, or at once when the signal aborts. Any number of callers may wait by one signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  setMaxListeners(0, signal);
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Resolves when the work has ended, however, or after `ms`. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  await Promise.race([work.then(end, end), pause(ms, ended.signal)]);
  end();
}

/** Tries again while the store can't be reached, until `signal` aborts; then rejects with the last error. */
export async function whileStoreIsAway<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || signal.aborted) throw error;
      await pause(backoff(attempt), signal);
    }
  }
}

/**
 * Tries again whatever goes wrong at the store: for `ms`, or, while the store can't be reached, until `signal` aborts. Then
 * rejects with the last error. A value that the store can't hold is not tried again.
 */
export async function persistently<T>(ms: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const end = performance.now() + ms;
  for (let attempt = 0; ; attempt++) {
    try {
      return await whileStoreIsAway(signal, work);
    } catch (error) {
      if (signal.aborted || error instanceof RefusedDataError || performance.now() >= end) throw error;
      await pause(backoff(attempt), signal);
    }
  }
}

/** `periodMs`, a quarter more or less: many that do the same should not do it at the same moments. */
export const jittered = (periodMs: number): number => periodMs * (0.75 + Math.random() / 2);

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
