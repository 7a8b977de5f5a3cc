import { equalJitter } from 'agentmq/time';
import { InvalidMessageError } from '../errors.js';

/** How a failed message is tried again. */
export interface RetryOptions {
  /** Attempts in all, the first included: 1 (never again) to 100. */
  readonly attempts?: number;
  /** The wait after the first failure, in ms. */
  readonly delay?: number;
  /** How much longer each wait is than the one before: 1 or more. */
  readonly factor?: number;
  /** The longest wait, in ms. */
  readonly maxDelay?: number;
}

export type RetryPolicy = Required<RetryOptions>;

const LONGEST_DELAY_MS = 7 * 24 * 3_600_000;

/** Completes the options by a policy. Throws {@link InvalidMessageError} that names the option which is out of range. */
export function retryPolicy(options: RetryOptions, fallback: RetryPolicy): RetryPolicy {
  const policy = { ...fallback, ...options };
  check('retry.attempts', policy.attempts, Number.isInteger(policy.attempts), 1, 100);
  check('retry.delay', policy.delay, true, 0, LONGEST_DELAY_MS);
  check('retry.factor', policy.factor, true, 1, 100);
  check('retry.maxDelay', policy.maxDelay, true, 0, LONGEST_DELAY_MS);
  return policy;
}

function check(field: string, value: number, fits: boolean, least: number, most: number): void {
  if (!fits || !(value >= least && value <= most)) {
    throw new InvalidMessageError(field, `${value} is not from ${least} to ${most}`);
  }
}

/**
 * The wait before the next attempt, in ms, after `failures` (1 or more): exponential up to the ceiling, half of it
 * certain and half at random.
 */
export function retryDelay({ delay, factor, maxDelay }: RetryPolicy, failures: number, random = Math.random): number {
  const ceiling = Math.min(maxDelay, delay * factor ** (failures - 1));
  return Math.round(equalJitter(ceiling, random));
}
