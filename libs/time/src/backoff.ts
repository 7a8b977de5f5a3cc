const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/**
 * The delay before the try after `failures` earlier ones, in ms: doubled with each up to `longestMs`, and at random from half
 * to all of that, so that many do not come back at once ("equal jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoff(failures: number, firstMs = FIRST_DELAY_MS, longestMs = LONGEST_DELAY_MS): number {
  return equalJitter(Math.min(longestMs, firstMs * 2 ** Math.min(failures, 30)));
}

/** Half of `ms` certain, half at random. `random` gives from 0 to below 1. */
export const equalJitter = (ms: number, random: () => number = Math.random): number => ms / 2 + (random() * ms) / 2;

/** `periodMs`, a quarter more or less: many that do the same should not do it at the same moments. */
export const jittered = (periodMs: number): number => periodMs * (0.75 + Math.random() / 2);
