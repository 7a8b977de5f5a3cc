import { TopologyError } from '../../errors.js';
import { ACCESS_REFUSED, PRECONDITION_FAILED, RESOURCE_LOCKED } from '../connection/reply-codes.js';

/** Waits for a declaration. Throws `TopologyError` when it is refused for what the queue or exchange is. */
export async function declaring(name: string, declaration: Promise<unknown>): Promise<void> {
  try {
    await declaration;
  } catch (error) {
    throw topologyErrorOf(name, error as Error) ?? error;
  }
}

/** What a refused declaration means; undefined when the channel was lost for another reason. */
export function topologyErrorOf(name: string, error: Error & { code?: unknown }): TopologyError | undefined {
  if (error.code !== ACCESS_REFUSED && error.code !== RESOURCE_LOCKED && error.code !== PRECONDITION_FAILED)
    return undefined;
  // PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the value '5' of type …
  const [, argument, difference] = /inequivalent arg '([^']+)'.* in vhost '.*?': (.+?)"?$/s.exec(error.message) ?? [];
  if (argument === undefined || difference === undefined)
    return new TopologyError(name, error.message, undefined, { cause: error });
  return new TopologyError(name, `it exists with another ${argument}: ${difference}`, argument, { cause: error });
}

/** What is no queue of messages to be acknowledged, or takes no publications, can't serve as one of ours. */
export const isUsable = ({ argument, problem }: TopologyError): boolean =>
  argument !== undefined && argument !== 'type' && argument !== 'internal' && !/current is .*'stream'/.test(problem);
