import type { Store } from 'agentmq/message-store';
import { type Moment, parseMoment } from '../moments.js';

/**
 * The store of a process that is killed, or stopped until it is told to go on, at a certain moment: before or after the n-th
 * call of one of the store's methods. Without a moment, or with one that is not the store's, nothing happens to it.
 */
export function doomedStore(store: Store, text: string): Store {
  const moment = parseMoment(text);
  if (!moment || moment.when === 'in') return store;
  const { what, when, signal, count } = moment;
  const part = Object.values(store).find((each: object) => what in each) as Record<string, unknown> | undefined;
  if (!part) throw new TypeError(`the store has no ${what}`);
  const method = part[what] as (...given: unknown[]) => unknown;
  let calls = 0;
  part[what] = async (...given: unknown[]): Promise<unknown> => {
    const now = ++calls === count;
    if (now && when === 'before') await strike(signal);
    const answer: unknown = await method.apply(part, given);
    if (now && when === 'after') await strike(signal);
    return answer;
  };
  return store;
}

/** Strikes the process when the n-th handler comes here. */
export function doomedHandler(text: string): () => Promise<void> {
  const moment: Moment | undefined = parseMoment(text);
  let calls = 0;
  return async () => {
    if (moment?.when === 'in' && ++calls === moment.count) await strike(moment.signal);
  };
}

/**
 * Sends a signal to this process. SIGKILL ends it as the kernel does when memory runs out, and this never resolves;
 * SIGSTOP makes it stand still here until it is continued.
 */
export function strike(signal: Moment['signal']): Promise<void> {
  process.kill(process.pid, signal);
  return signal === 'SIGKILL' ? new Promise(() => undefined) : Promise.resolve();
}
