import type { Type } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';
import type { HandledContract } from 'agentmq/message-store';
import type { Handler, Handling } from 'agentmq/messaging';
import { contractOf, versionsTaken } from 'agentmq/protocol';
import { isObservable, lastValueFrom } from 'rxjs';
import { agentOptionsOf, type HandlerExtras, isOfEveryRole } from '../decorators.js';
import { AgentDeclarationError, DuplicateHandlerError } from '../errors.js';
import type { DeclaredHandler } from '../handler-options.js';
import { MessageContext } from '../message-context.js';
import type { PipelineHandler } from './message-pipeline.js';

/** A method that `@Handle` or `@Subscribe` declares, as the message bus calls it. */
export type AgentHandler = Handler & DeclaredHandler;

/** The handlers that the decorators declare, of an agent of these roles. Throws `DuplicateHandlerError`, `AgentDeclarationError`. */
export function agentHandlers(found: readonly PipelineHandler[], all: readonly string[]): AgentHandler[] {
  const known = new Map<string, Type>();
  return found.flatMap(({ pattern, extras, handler, declaredBy }) => {
    const { contract, context, ...options } = extras as Partial<HandlerExtras>;
    if (!contract) {
      checkForeign(declaredBy, pattern);
      return [];
    }
    const other = known.get(pattern);
    if (other && options.topic === undefined) throw new DuplicateHandlerError(pattern, [other.name, declaredBy.name]);
    known.set(pattern, declaredBy);
    const roles = rolesOf(declaredBy, pattern, all);
    // a library's, in a client
    if (roles.length === 0) return [];
    return [{ ...options, pattern, roles, contract: contractOf(contract), handle: answering(handler, context) }];
  });
}

/** A method for any transport is another transport's of the app; in an agent's class it was meant for messages. */
function checkForeign(declaredBy: Type, pattern: string): void {
  if (!agentOptionsOf(declaredBy) && !isOfEveryRole(declaredBy)) return;
  throw new AgentDeclarationError(
    `"${pattern}" of ${declaredBy.name} is declared with neither @Handle nor @Subscribe: if it is for another transport, @MessagePattern has to name that`,
  );
}

function rolesOf(declaredBy: Type, pattern: string, all: readonly string[]): readonly string[] {
  const agent = agentOptionsOf(declaredBy);
  if (agent) return [agent.role];
  if (isOfEveryRole(declaredBy)) return all;
  throw new AgentDeclarationError(`${declaredBy.name} declares "${pattern}", and is no agent: @Agent is missing`);
}

/** What the registry is told of a handler of an agent of these roles. */
export const contractsHandledBy = (
  { contract, topic, scope, task, roles = [] }: Handler & Partial<Pick<DeclaredHandler, 'scope' | 'task' | 'roles'>>,
  all: readonly string[],
): HandledContract[] =>
  versionsTaken(contract).map((version) => ({
    type: contract.type,
    version,
    ...(topic === undefined || scope === undefined ? {} : { topic, scope }),
    ...(roles.length === 1 && all.length > 1 ? { role: roles[0] } : {}),
    ...(task ? { task } : {}),
  }));

/** The answer is what the method returns, or what its promise or observable comes to. */
const answering =
  (handler: MessageHandler, context = (handling: Handling) => new MessageContext(handling)): Handler['handle'] =>
  (payload, handling) => {
    const result: unknown = handler(payload, context(handling));
    return isThenable(result) ? Promise.resolve(result).then(lastOf) : lastOf(result);
  };

/** A promise, or what can be awaited as one is, such as the query of a query builder. */
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

const lastOf = (result: unknown): unknown =>
  isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
