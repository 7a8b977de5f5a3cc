import { applyDecorators, Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { PARAM_ARGS_METADATA } from '@nestjs/microservices/constants.js';
import {
  checkName,
  checkTopicPattern,
  type ContractDefinition,
  contractKey,
  contractOf,
  type PayloadClass,
} from 'agentmq/protocol';
import type { Handling } from 'agentmq/messaging';
import { checkHandlerOptions, type DeclaredHandler, type HandlerOptions } from './handler-options.js';
import type { MessageContext } from './message-context.js';
import { AGENT_MESSAGES } from './pipeline/message-pipeline.js';

export interface AgentOptions {
  /** The agent type; its instances compete for the role's messages. Controllers of several roles in one app are one agent. */
  readonly role: string;
  /** What the agent can do, e.g. `nlp_processing`, beside the tasks that it declares by `@Task`: their types are capabilities too. */
  readonly capabilities?: readonly string[];
  /**
   * The most messages handled at once, for the role and for the instance each, and beside them as many tasks; 64 unless given. Of
   * several, the highest counts: for the role that of its controllers, for the instance and tasks that of all.
   */
  readonly concurrency?: number;
  /** The most messages fetched ahead, those being handled included; twice `concurrency` unless given. */
  readonly prefetch?: number;
}

export interface SubscribeOptions extends HandlerOptions {
  /** `role`: one instance of the role handles each message. `instance`: every instance does. `role` unless given. */
  readonly scope?: 'role' | 'instance';
}

/** What `@Handle` and `@Subscribe` tell the transport, as the pattern's extras. */
export interface HandlerExtras extends Omit<DeclaredHandler, 'contract' | 'pattern' | 'roles'> {
  readonly contract: PayloadClass;
  /** Makes what the method's `@Ctx()` gets; a `MessageContext` unless given. */
  readonly context?: (handling: Handling) => MessageContext;
}

const AGENT = Symbol('agentmq:agent');
const EVERY_ROLE = Symbol('agentmq:every-role');

/**
 * Declares a Nest controller as an agent: its `@Handle` and `@Subscribe` methods get the role's and the instance's
 * messages. All `@Agent` controllers of one app are one agent, with one id, of the roles that they name. Throws `InvalidMessageError`
 * for a bad name.
 */
export function Agent(options: AgentOptions): ClassDecorator {
  checkName('role', options.role);
  options.capabilities?.forEach((capability) => checkName('capability', capability));
  return applyDecorators(Controller(), (target: object) => Reflect.defineMetadata(AGENT, options, target));
}

/**
 * Declares a Nest controller whose methods handle messages of every role that the app has: in a library, or for what each role of
 * an app of several is sent.
 */
export const EveryRole = (): ClassDecorator =>
  applyDecorators(Controller(), (target: object) => Reflect.defineMetadata(EVERY_ROLE, true, target));

export const isOfEveryRole = (target: object): boolean => Reflect.hasMetadata(EVERY_ROLE, target);

/** Whether the class itself, and not one that it extends, is an `@Agent`. */
export const isDeclaredAgent = (target: object): boolean => Reflect.hasOwnMetadata(AGENT, target);

/** What a class was declared with by `@Agent`. */
export const agentOptionsOf = (target: object): AgentOptions | undefined =>
  Reflect.getMetadata(AGENT, target) as AgentOptions | undefined;

/**
 * Handles messages of a contract that are sent to the role, to this agent, or to all. What the method returns completes
 * the message and, for a request, is the answer; what it throws fails it: it is tried again as `retry` says, unless the
 * error is final (`retryable: false`) or the message is a request, whose sender decides.
 * Throws `InvalidMessageError` at load for an option that is out of range, and names it.
 */
export function Handle(contract: PayloadClass, options: HandlerOptions = {}): MethodDecorator {
  return handles(contract, options, {});
}

/** `@Handle` for what also carries out tasks; `context` makes what its `@Ctx()` gets: `@Task`. */
export function HandleTask(
  contract: PayloadClass,
  options: HandlerOptions = {},
  context?: HandlerExtras['context'],
): MethodDecorator {
  return handles(contract, options, { task: true, ...(context ? { context } : {}) });
}

function handles(
  contract: PayloadClass,
  options: HandlerOptions,
  more: Pick<HandlerExtras, 'task' | 'context'>,
): MethodDecorator {
  const definition = contractOf(contract);
  const extras: HandlerExtras = { contract, ...checked(definition, options), ...more };
  return applyDecorators(payloadFirst, MessagePattern(`handle ${contractKey(definition)}`, AGENT_MESSAGES, extras));
}

/**
 * Handles messages of a contract that are published to topics; `*` matches one word, `#` any number of words. Fails and
 * throws as `@Handle` does. Methods of one agent that can get the same message must have the same options.
 */
export function Subscribe(topic: string, contract: PayloadClass, options: SubscribeOptions = {}): MethodDecorator {
  const scope = options.scope ?? 'role';
  const definition = contractOf(contract);
  const extras: HandlerExtras = {
    contract,
    topic: checkTopicPattern(topic),
    scope,
    ...checked(definition, options),
  };
  const pattern = `subscribe ${scope} ${topic} ${contractKey(definition)}`;
  return applyDecorators(payloadFirst, MessagePattern(pattern, AGENT_MESSAGES, extras));
}

function checked(contract: ContractDefinition, { retry, timeout, transactional }: HandlerOptions): HandlerOptions {
  const given = Object.entries({ retry, timeout, transactional }).filter(([, value]) => value !== undefined);
  const options: HandlerOptions = Object.fromEntries(given);
  checkHandlerOptions(contract, options);
  return options;
}

/**
 * Nest leaves undecorated parameters empty as soon as one is decorated: `(tick, @Ctx() message)` would get no tick.
 * So an undecorated first parameter is the payload.
 */
const payloadFirst: MethodDecorator = (target, method) => {
  const declared = Reflect.getMetadata(PARAM_ARGS_METADATA, target.constructor, method) as
    Record<string, unknown> | undefined;
  const indexes = Object.values(declared ?? {}).map((argument) => (argument as { index?: number }).index);
  if (declared && !indexes.includes(0)) Payload()(target, method, 0);
};
