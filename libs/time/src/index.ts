export { backoff, equalJitter, jittered } from './backoff.js';
export { LONGEST_TIMER_MS, pause, within } from './pause.js';
export { Rest } from './rest.js';
