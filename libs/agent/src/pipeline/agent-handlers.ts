import type { MessageHandler } from '@nestjs/microservices';
import type { HandledContract } from 'agentmq/message-store';
import type { Handler } from 'agentmq/messaging';
import { contractOf, versionsTaken } from 'agentmq/protocol';
import { isObservable, lastValueFrom } from 'rxjs';
import type { HandlerExtras } from '../decorators.js';
import { DuplicateHandlerError } from '../errors.js';
import type { DeclaredHandler } from '../handler-options.js';
import { MessageContext } from '../message-context.js';
import type { PipelineHandler } from './message-pipeline.js';

/** A method that `@Handle` or `@Subscribe` declares, as the message bus calls it. */
export type AgentHandler = Handler & DeclaredHandler;

/** The handlers that the decorators declare. Throws `DuplicateHandlerError`. */
export function agentHandlers(found: readonly PipelineHandler[]): AgentHandler[] {
  const known = new Set<string>();
  return found.flatMap(({ pattern, extras, handler }) => {
    const { contract, ...options } = extras as Partial<HandlerExtras>;
    // not one of ours: another transport's, if it is anyone's
    if (!contract) return [];
    if (known.has(pattern) && options.topic === undefined) throw new DuplicateHandlerError(pattern);
    known.add(pattern);
    return [{ ...options, pattern, contract: contractOf(contract), handle: answering(handler) }];
  });
}

/** What the registry is told of a handler. */
export const contractsHandledBy = ({
  contract,
  topic,
  scope,
}: Handler & Pick<DeclaredHandler, 'scope'>): HandledContract[] =>
  versionsTaken(contract).map((version) => ({
    type: contract.type,
    version,
    ...(topic === undefined || scope === undefined ? {} : { topic, scope }),
  }));

/** The answer is what the method returns, or what its promise or observable comes to. */
const answering =
  (handler: MessageHandler): Handler['handle'] =>
  (payload, handling) => {
    const result: unknown = handler(payload, new MessageContext(handling));
    return isThenable(result) ? Promise.resolve(result).then(lastOf) : lastOf(result);
  };

/** A promise, or what can be awaited as one is, such as the query of a query builder. */
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

const lastOf = (result: unknown): unknown =>
  isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
