import { setMaxListeners } from 'node:events';

/** Node's longest timer, in ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Resolves after `ms`, or as soon as `cut` is settled or aborted, and leaves no timer behind. Any number of callers may wait
 * by one signal.
 */
export function pause(ms: number, cut?: Promise<unknown> | AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      if (cut instanceof AbortSignal) cut.removeEventListener('abort', end);
      resolve();
    }
    if (!(cut instanceof AbortSignal)) {
      cut?.then(end, end);
      return;
    }
    if (cut.aborted) return end();
    setMaxListeners(0, cut);
    cut.addEventListener('abort', end, { once: true });
  });
}

/** Resolves when `work` has settled either way, or after `ms`. */
export const within = (ms: number, work: Promise<unknown>): Promise<void> => pause(ms, work);
