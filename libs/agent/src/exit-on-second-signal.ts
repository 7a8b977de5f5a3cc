import { constants } from 'node:os';

/** npm passes on the Ctrl-C that the terminal has sent to its child already: within this time it is the same one. */
const SAME_CTRL_C_MS = 100;

/**
 * The first SIGTERM or SIGINT is for whoever stops the process gracefully; the second ends it at once, with the exit
 * code that shells give to the signal (128 and its number). Call it where the first one is listened to.
 */
export function exitOnSecondSignal(): void {
  let first = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const now = performance.now();
      if (first === 0) first = now;
      else if (signal === 'SIGTERM' || now - first > SAME_CTRL_C_MS) process.exit(128 + constants.signals[signal]);
    });
  }
}
