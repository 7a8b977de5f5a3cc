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
import { checkHandlerOptions, type DeclaredHandler, type HandlerOptions } from './handler-options.js';
import { AGENT_MESSAGES } from './pipeline/message-pipeline.js';

export interface AgentOptions {
  /** The agent type; its instances compete for the role's messages. */
  readonly role: string;
  /** What the agent can do, e.g. `nlp_processing`. */
  readonly capabilities?: readonly string[];
  /** The most messages handled at once, for the role and for the instance each; 64 unless given. */
  readonly concurrency?: number;
  /** The most messages fetched ahead, those being handled included; twice `concurrency` unless given. */
  readonly prefetch?: number;
}

export interface SubscribeOptions extends HandlerOptions {
  /** `role`: one instance of the role handles each message. `instance`: every instance does. `role` unless given. */
  readonly scope?: 'role' | 'instance';
}

/** What `@Handle` and `@Subscribe` tell the transport, as the pattern's extras. */
export interface HandlerExtras extends Omit<DeclaredHandler, 'contract' | 'pattern'> {
  readonly contract: PayloadClass;
}

const AGENT = Symbol('agentmq:agent');

/**
 * Declares a Nest controller as an agent: its `@Handle` and `@Subscribe` methods get the role's and the instance's
 * messages. All `@Agent` controllers of one app have the same role. Throws `InvalidMessageError` for a bad name.
 */
export function Agent(options: AgentOptions): ClassDecorator {
  checkName('role', options.role);
  options.capabilities?.forEach((capability) => checkName('capability', capability));
  return applyDecorators(Controller(), (target: object) => Reflect.defineMetadata(AGENT, options, target));
}

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

/** `@Handle` for what carries out the tasks that messages bring, and sees that a payload was sealed for the task: `@Task`. */
export function HandleTask(contract: PayloadClass, options: HandlerOptions = {}): MethodDecorator {
  return handles(contract, options, { carriesOutTasks: true });
}

function handles(
  contract: PayloadClass,
  options: HandlerOptions,
  more: Pick<HandlerExtras, 'carriesOutTasks'>,
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
