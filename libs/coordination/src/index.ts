export { type AbleOptions, Delegation, type FanOutOptions } from './delegation.js';
export { NoAbleAgentError } from './errors.js';
