/**
 * What a change of many deliveries would do, counted to its end:
 *
 *     const { matched } = await dryRun('/dead-letters/requeue', { group }, signal);
 *
 * The server answers after 5 s, whether it has counted all or not, and counts four at a time.
 */
import { del, get, isPassing, path, post } from './client.js';
import type { ReplayView } from './types.js';

const LOOK_MS = 500;
const RETRY_MS = 3_000;

/**
 * Resolves when all is counted; `counting` is called with what is counted so far. Rejects with an `Error` if it was stopped or has failed, and as
 * the request does, but while the server is away it goes on looking. When the signal aborts, the server is told to count no longer, and it
 * rejects with the signal's reason.
 */
export async function dryRun(
  command: string,
  selection: object,
  signal: AbortSignal,
  counting?: (job: ReplayView) => void,
): Promise<ReplayView> {
  // not ended with the signal: only the answer tells what there is to stop
  let job = await post<ReplayView>(command, { ...selection, dryRun: true });
  const url = path`/replay/${job.id}`;
  let wait = LOOK_MS;
  while (job.state === 'running') {
    if (!signal.aborted) {
      counting?.(job);
      await pause(wait, signal);
    }
    try {
      signal.throwIfAborted();
      job = await get<ReplayView>(url, {}, signal);
      wait = LOOK_MS;
    } catch (error) {
      if (!signal.aborted && isPassing(error)) {
        wait = RETRY_MS;
        continue;
      }
      // a count that nothing waits for would keep others from running; the server may be away, or know of no such count
      await del(url).catch(() => undefined);
      throw error;
    }
  }
  signal.throwIfAborted();
  if (job.state !== 'ended') throw new Error(job.error ?? 'The count was stopped.');
  return job;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
