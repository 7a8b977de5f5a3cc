/** Resolves after `ms`, or as soon as `cut` is settled or aborted, and leaves no timer behind. */
export function pause(ms: number, cut: Promise<unknown> | AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      if (cut instanceof AbortSignal) cut.removeEventListener('abort', end);
      resolve();
    }
    if (!(cut instanceof AbortSignal)) cut.then(end, end);
    else if (cut.aborted) end();
    else cut.addEventListener('abort', end, { once: true });
  });
}

/** Resolves when `work` has settled either way, or after `ms`. */
export const atMost = (ms: number, work: Promise<unknown>): Promise<void> => pause(ms, work);

/** The delay before try number `failures` + 1, in ms: doubled each time up to `longest`, and anything from half to all of that. */
export function backoffMs(failures: number, shortest: number, longest: number): number {
  const full = Math.min(longest, shortest * 2 ** Math.min(failures, 30));
  return full * (0.5 + Math.random() / 2);
}
