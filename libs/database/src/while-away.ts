import { backoff, pause } from 'agentmq/time';
import type { Database } from './database.js';
import { RefusedDataError, StoreUnavailableError } from './errors.js';

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

/** Whether the database can't be reached, or takes no writes. A transaction that was cut off alone is a failure of its work. */
export const isAway = (database: Pick<Database, 'ping'>): Promise<boolean> =>
  database.ping().then(
    () => false,
    (error: unknown) => error instanceof StoreUnavailableError,
  );
