/** The longest that a message may live, in ms, and so a task. */
export const LONGEST_MS = 4_294_967_295;
/** Node's longest timer, in ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
