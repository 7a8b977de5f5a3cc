import type { MessageStore } from 'agentmq/message-store';
import { type Moment, parseMoment } from '../moments.js';

/**
 * The store, as seen by a process that is killed, or stopped until it is told to go on, at a certain moment: before or
 * after the n-th call of one of the store's methods. Without a moment, or with one that is not the store's, it is the
 * store itself.
 */
export function doomedStore<S extends MessageStore>(store: S, text: string): S {
  const moment = parseMoment(text);
  if (!moment || moment.when === 'in') return store;
  let calls = 0;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = (...given: unknown[]): unknown => Reflect.apply(value, target, given) as unknown;
      if (name !== moment.what) return method;
      return async (...given: unknown[]): Promise<unknown> => {
        const now = ++calls === moment.count;
        if (now && moment.when === 'before') await strike(moment.signal);
        const answer = await method(...given);
        if (now && moment.when === 'after') await strike(moment.signal);
        return answer;
      };
    },
  });
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
