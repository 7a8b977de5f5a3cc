export { backoff, equalJitter, jittered } from './backoff.js';
export { pause, within } from './pause.js';
export { Rest } from './rest.js';
