import { getSystemErrorMap } from 'node:util';
import {
  BrokerClosedError,
  BrokerUnavailableError,
  MessageTooLargeError,
  NoRecipientError,
  QueueFullError,
  RequestInterruptedError,
  RequestTimeoutError,
} from 'agentmq/broker';
import {
  AgentMQError,
  ContractViolationError,
  InvalidMessageError,
  NotAContractError,
  RemoteError,
} from 'agentmq/protocol';
import { StoreUnavailableError } from 'agentmq/database';
import { BusStoppedError, OutboxFullError } from 'agentmq/messaging';
import { CircuitOpenError } from './errors.js';

/** What a call says of the agent: `unknown` when it says nothing. */
export type Verdict = 'well' | 'failing' | 'unknown';

const FAILING = [RequestTimeoutError, RequestInterruptedError, NoRecipientError, QueueFullError] as const;

/** Nothing of these has come from the agent. */
const OUR_OWN = [
  BrokerClosedError,
  BrokerUnavailableError,
  BusStoppedError,
  CircuitOpenError,
  ContractViolationError,
  InvalidMessageError,
  MessageTooLargeError,
  NotAContractError,
  OutboxFullError,
  StoreUnavailableError,
] as const;

/** Of errors that were not meant for the caller: of Node, of its system calls, of Postgres, and errors without a code. */
const UNFORESEEN = new Set([...getSystemErrorMap().values()].map(([name]) => name))
  .add('HANDLER_FAILED')
  .add('UNKNOWN')
  .add('STORE_ACCESS')
  .add('STORE_STATEMENT');
const UNFORESEEN_FORM = /^(ERR_.*|(?=.*\d)[0-9A-Z]{5})$/;

/**
 * What an error says of the agent that was called. Failing: no answer in time, its queue gone or full, the connection
 * lost before it answered, an error that may pass (`retryable`), one that its handler did not foresee. An agent that
 * refuses a request for good has answered: it is well. The caller's abort and errors of its own side say nothing.
 */
export function verdictOf(error: unknown, signal: AbortSignal | undefined): Verdict {
  if (signal?.aborted) return 'unknown';
  if (error instanceof RemoteError) return error.retryable || isUnforeseen(error.code) ? 'failing' : 'well';
  if (FAILING.some((known) => error instanceof known)) return 'failing';
  if (OUR_OWN.some((known) => error instanceof known)) return 'unknown';
  return error instanceof AgentMQError && !error.retryable ? 'unknown' : 'failing';
}

const isUnforeseen = (code: string): boolean => UNFORESEEN.has(code) || UNFORESEEN_FORM.test(code);
