/**
 * What a change of many deliveries would do, counted to its end:
 *
 *     const { matched } = await dryRun('/dead-letters/requeue', { group }, signal);
 *
 * The server answers after 5 s, whether it has counted all or not, and counts four at a time.
 */
import { del, get, path, post } from './client.js';
import type { ReplayView } from './types.js';

const LOOK_MS = 500;

/**
 * Resolves when all is counted; `counting` is called with what is counted so far. Rejects with an `Error` if it was stopped or has failed, and as
 * the request does. When the signal aborts, the server counts no longer, and it rejects with the signal's reason.
 */
export async function dryRun(
  url: string,
  selection: object,
  signal: AbortSignal,
  counting?: (job: ReplayView) => void,
): Promise<ReplayView> {
  // not ended with the signal: only the answer tells what there is to stop
  let job = await post<ReplayView>(url, { ...selection, dryRun: true });
  while (job.state === 'running') {
    if (!signal.aborted) {
      counting?.(job);
      await pause(LOOK_MS, signal);
    }
    if (signal.aborted) await del(path`/replay/${job.id}`);
    signal.throwIfAborted();
    job = await get<ReplayView>(path`/replay/${job.id}`);
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
