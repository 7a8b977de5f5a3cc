import { clearInterval, setImmediate, setInterval, setTimeout } from 'node:timers';

/** Node's own timers: these modules keep them whatever a test, or the test clock, puts in the place of the global ones. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const realPause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Does not keep the process alive. Returns what ends it. */
export function every(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms).unref();
  return () => clearInterval(timer);
}

/** In ms; only its differences mean anything. */
export const realNow = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;
