import { constants } from 'node:os';

/** npm passes on the Ctrl-C that the terminal has sent to its child already: within this time it is the same one. */
const SAME_CTRL_C_MS = 100;

/**
 * The first SIGTERM or SIGINT is for the shutdown hooks, which stop the process gracefully; the second ends it at once, with the exit
 * code that shells give to the signal (128 and its number). Call it where the first one is listened to, and what it
 * returns where that ends.
 */
export function exitOnSecondSignal(): () => void {
  let first = 0;
  const onSignal = (signal: 'SIGTERM' | 'SIGINT'): void => {
    const now = performance.now();
    if (first === 0) first = now;
    else if (signal === 'SIGTERM' || now - first > SAME_CTRL_C_MS) process.exit(128 + constants.signals[signal]);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  return () => void process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
}
