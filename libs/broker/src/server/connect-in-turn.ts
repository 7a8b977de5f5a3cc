import { errorText } from 'agentmq/protocol';
import { BrokerUnavailableError } from '../errors.js';

/**
 * Connects to one of the URLs: each call tries all of them, beginning with the one after the last used, since what was
 * lost may be gone for good. Rejects with `BrokerUnavailableError`.
 */
export function connectInTurn<T>(urls: readonly string[], connect: (url: string) => Promise<T>): () => Promise<T> {
  let next = 0;
  return async () => {
    const failures: Error[] = [];
    for (const _ of urls) {
      try {
        return await connect(urls[next++ % urls.length] ?? '');
      } catch (error) {
        failures.push(error as Error);
      }
    }
    const reasons = failures.map((failure, index) => failure.message || errorText(failure) || `URL ${index + 1}`);
    throw new BrokerUnavailableError(`no connection to the broker: ${reasons.join('; ')}`, { cause: failures[0] });
  };
}
