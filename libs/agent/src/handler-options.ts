import {
  type ContractDefinition,
  InvalidMessageError,
  type RetryOptions,
  type RetryPolicy,
  retryPolicy,
} from 'agentmq/protocol';
import { type Handler, LONGEST_HANDLER_TIMEOUT } from 'agentmq/messaging';
import { HandlerOptionsConflictError } from './errors.js';

/** How the messages of one handler are treated. */
export interface HandlerOptions {
  /** How failed messages are tried again, in place of the contract's word; what neither says, the settings say. */
  readonly retry?: RetryOptions;
  /** How long the handler may run, in ms: 1 to 1,700,000; the setting `HANDLER_TIMEOUT` unless given. */
  readonly timeout?: number;
  /**
   * What the handler writes in `MessageContext.transaction`, and what it sends, is committed together with the durable
   * message's completion, or not at all. The contract's word unless given.
   */
  readonly transactional?: boolean;
}

const LONGEST_TIMEOUT_MS = LONGEST_HANDLER_TIMEOUT * 1_000;
const anyPolicy: RetryPolicy = { attempts: 1, delay: 0, factor: 1, maxDelay: 0 };

/** Throws `InvalidMessageError` that names the option (`retry.attempts`, `timeout`, …) which can't be used. */
export function checkHandlerOptions(contract: ContractDefinition, options: HandlerOptions): void {
  const { retry, timeout, transactional } = options;
  retryPolicy({ ...contract.retry, ...retry }, anyPolicy);
  if (timeout !== undefined && !(Number.isInteger(timeout) && timeout >= 1 && timeout <= LONGEST_TIMEOUT_MS)) {
    throw new InvalidMessageError('timeout', `${timeout} is not a whole number of ms from 1 to ${LONGEST_TIMEOUT_MS}`);
  }
  if (transactional !== undefined && typeof transactional !== 'boolean') {
    throw new InvalidMessageError('transactional', `${String(transactional)} is not true or false`);
  }
}

/** What a method declares, with the Nest pattern that names it. */
export interface DeclaredHandler extends Omit<Handler, 'handle'> {
  readonly pattern: string;
  /** Of which roles of the agent: of its class', or of all. */
  readonly roles: readonly string[];
  readonly scope?: 'role' | 'instance';
  /** It also carries out the tasks of its contract. */
  readonly task?: true;
}

/**
 * One message is handled by all handlers that it is for, as one attempt: so they must agree about it. Throws
 * {@link HandlerOptionsConflictError} for two that can get the same message and whose options differ.
 */
export function checkAgreement(handlers: readonly DeclaredHandler[]): void {
  handlers.forEach((handler, index) => {
    for (const other of handlers.slice(index + 1)) {
      const option = meet(handler, other) ? differenceOf(handler, other) : undefined;
      if (option) throw new HandlerOptionsConflictError(handler.pattern, other.pattern, option);
    }
  });
}

const meet = (a: DeclaredHandler, b: DeclaredHandler): boolean =>
  a.contract.payload === b.contract.payload &&
  a.scope === b.scope &&
  (a.scope !== 'role' || a.roles.some((role) => b.roles.includes(role))) &&
  a.topic !== undefined &&
  b.topic !== undefined &&
  overlap(a.topic.split('.'), b.topic.split('.'));

/** Whether some topic matches both patterns. */
function overlap(a: readonly string[], b: readonly string[]): boolean {
  const [first, ...rest] = a;
  const [other, ...others] = b;
  if (first === '#') return overlap(rest, b) || (other !== undefined && overlap(a, others));
  if (other === '#') return overlap(b, a);
  if (first === undefined || other === undefined) return first === other;
  return (first === other || first === '*' || other === '*') && overlap(rest, others);
}

function differenceOf(a: DeclaredHandler, b: DeclaredHandler): string | undefined {
  const [one, two] = [optionsOf(a), optionsOf(b)];
  return [...new Set([...Object.keys(one), ...Object.keys(two)])].find((option) => one[option] !== two[option]);
}

function optionsOf({ contract, retry, timeout, transactional }: DeclaredHandler): Record<string, unknown> {
  const retries = Object.entries({ ...contract.retry, ...retry }).map(([name, value]) => [`retry.${name}`, value]);
  return { ...Object.fromEntries(retries), timeout, transactional: transactional ?? contract.transactional };
}
