import {
  type ContractDefinition,
  contractTaking,
  decodeBody,
  type Message,
  readPayload,
  type RetryPolicy,
  retryPolicy,
  topicMatches,
} from 'agentmq/protocol';
import type { Route } from './handler-run.js';

/** A message, the handlers that it is for, and within which limits they run. */
export interface Work {
  readonly message: Message;
  readonly routes: readonly Route[];
  readonly contract: ContractDefinition;
  readonly policy: RetryPolicy;
  readonly timeoutMs: number;
  readonly transactional: boolean;
}

/** What completes the limits of contracts and handlers. */
export interface WorkDefaults {
  readonly retry: RetryPolicy;
  readonly handlerTimeoutMs: number;
}

/** Undefined when no handler takes the message. Of several handlers of one message the first decides about the limits. */
export function workOf(
  message: Message,
  routes: readonly Route[],
  { retry, handlerTimeoutMs }: WorkDefaults,
): Work | undefined {
  const taking = routesOf(message, routes);
  const [first] = taking;
  if (!first) return undefined;
  const { contract } = first;
  return {
    message,
    routes: taking,
    contract,
    policy: retryPolicy({ ...contract.retry, ...first.retry }, retry),
    timeoutMs: first.timeoutMs ?? handlerTimeoutMs,
    transactional: first.transactional ?? contract.transactional,
  };
}

/** The handlers of a message: all of one contract, that of its version or the nearest that can upcast it. */
function routesOf({ type, version, recipient }: Message, routes: readonly Route[]): Route[] {
  const meant = routes.filter(
    ({ contract, topic }) =>
      contract.type === type && (recipient.kind === 'topic' ? isFor(topic, recipient.name) : topic === undefined),
  );
  const contracts = meant.map(({ contract }) => contract);
  const taking = contractTaking(contracts, type, version);
  return meant.filter(({ contract }) => contract.version === taking?.version);
}

/** Whether these handlers' consumer is to get the message. It may also have come by a binding that was left behind. */
export const isMeant = ({ recipient: { kind, name } }: Message, routes: readonly Route[]): boolean =>
  kind !== 'topic' || routes.some(({ topic }) => isFor(topic, name));

const isFor = (pattern: string | undefined, topic: string): boolean =>
  pattern !== undefined && topicMatches(pattern, topic);

/** Throws `InvalidMessageError`, or `ContractViolationError`. */
export const payloadOf = ({ message, contract }: Pick<Work, 'message' | 'contract'>, body: Buffer): object =>
  readPayload(contract, decodeBody(body), message.version);
