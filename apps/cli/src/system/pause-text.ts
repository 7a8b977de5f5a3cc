import type { Pause } from 'agentmq/operations';
import { age } from '../output/index.js';

/** `draining since 3 min, by ann: a new disk`. */
export function pauseText({ since, by, reason, drain, drained }: Pause): string {
  const state = drained ? 'drained' : drain ? 'draining' : 'paused';
  return `${state}, since ${age(since)}, by ${by}: ${reason}`;
}
