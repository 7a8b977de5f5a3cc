import { AgentMQError } from 'agentmq/protocol';
import {
  RefusedDataError,
  StatementError,
  StoreAccessError,
  StoreClosedError,
  StoreUnavailableError,
} from './errors.js';

/** Errors of the socket (Node's `code`). */
const socketCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
]);

// SQLSTATEs: PostgreSQL manual, appendix A. No class begins with E, which Node's codes begin with.
const sqlState = /^[0-9A-DF-Z][0-9A-Z]{4}$/;

/** The session has ended with the error: connection exceptions, server shutting down or starting, idle for too long. */
const sessionEnded = /^(?:08...|57P0[1-5]|25P0[34])$/;

/** Says nothing about a caller's statement: beside those above, out of resources, and a server that takes no writes. */
const outages = /^(?:08...|53...|57P0[1-5]|25P0[34]|25006)$/;

/** The server is as it should be, and the caller is not let in. */
const noAccess = /^(?:28...|3D000|42501)$/;

/** The values of a statement are to blame: data exceptions, constraints, limits of the server. */
const badData = /^(?:21|22|23|54)/;

/** The statement itself is: not supported, not permitted here, no such object, or refused by a trigger of the operator's. */
const badStatement = /^(?:0[ABLPZ]|20|2[4678BDF]|25(?!006|P0[34])|3[4589BDF]|42|44|P0|HV)/;

/** What pg and pg-pool say without a code. */
const messages =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Query read timeout|Connection ended unexpectedly)/;

/** What pg says, without an SQLSTATE, of a server that it can't log in to. */
const noLogin = /^SASL|password must be a string|does not support SSL|certificate/;

interface DriverError {
  readonly message: string;
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly driverError?: unknown;
}

/** By its shape, not its class: Node's own errors may come from another realm than ours. */
const isError = (value: unknown): value is DriverError =>
  typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';

/** The driver's own error: TypeORM wraps what fails inside a transaction. */
function driverErrorOf(error: unknown): DriverError | undefined {
  if (!isError(error)) return undefined;
  return isError(error.driverError) ? error.driverError : error;
}

const stateOf = ({ code }: DriverError): string | undefined =>
  typeof code === 'string' && sqlState.test(code) ? code : undefined;

/** The SQLSTATE of what the driver said, if it has one. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = driverErrorOf(error);
  return cause && stateOf(cause);
}

const isSocketError = (error: DriverError): boolean =>
  (typeof error.code === 'string' && socketCodes.has(error.code)) || messages.test(error.message) || 'syscall' in error;

/** An error that a statement raised (an 08001 of a foreign table, say) leaves the session as it was. */
const raisedIn = ({ severity }: DriverError): boolean => severity === 'ERROR';

/** Whether the connection may be used no more: it is gone, or it owes an answer. */
export function isBroken(error: unknown): boolean {
  const cause = driverErrorOf(error);
  if (!cause || error instanceof AgentMQError) return false;
  const state = stateOf(cause);
  return state === undefined ? isSocketError(cause) : sessionEnded.test(state) && !raisedIn(cause);
}

/** Whether the server has not answered in time: what else is connected to it may be dead without a sign too. */
export const isSilence = (error: unknown): boolean => driverErrorOf(error)?.message === 'Query read timeout';

/**
 * The error to throw for a failed statement of the store's own. What lies at its values is {@link RefusedDataError}, at
 * the statement {@link StatementError}; whatever else the database says may pass: {@link StoreUnavailableError}.
 */
export function storeError(error: unknown): unknown {
  if (error instanceof AgentMQError) return error;
  const cause = driverErrorOf(error);
  if (!cause) return error;
  const state = stateOf(cause);
  if (state === undefined) return isSocketError(cause) ? unavailable(error) : error;
  if (badData.test(state)) return new RefusedDataError(state, cause.message, { cause: error });
  if (badStatement.test(state)) return new StatementError(state, cause.message, { cause: error });
  return unavailable(error);
}

/** The same for a caller's statement that runs by itself: what lies at the statement is the driver's error. */
export function callersError(error: unknown): unknown {
  const known = storeError(error);
  return known instanceof StatementError || known instanceof RefusedDataError ? error : known;
}

/**
 * The same for a statement in a caller's transaction. How long that takes, and what it locks, is the caller's doing: a
 * statement that was given up is no outage, to be waited for, but a failure of the caller's.
 */
export function outageError(error: unknown): unknown {
  if (error instanceof AgentMQError) return error;
  const cause = driverErrorOf(error);
  if (!cause) return error;
  const state = stateOf(cause);
  if (state === undefined) return isSocketError(cause) ? unavailable(error) : error;
  return outages.test(state) && !(state.startsWith('08') && raisedIn(cause)) ? unavailable(error) : error;
}

/** The error to throw when no connection could be made: an outage whatever the server said, unless it does not let us in. */
export function connectError(error: unknown): unknown {
  if (error instanceof AgentMQError) return error;
  const cause = driverErrorOf(error);
  if (!cause) return unavailable(error);
  if (cause.message.startsWith('Cannot use a pool')) return new StoreClosedError('the message store is closed');
  const state = stateOf(cause);
  if (state === undefined ? noLogin.test(cause.message) : noAccess.test(state)) {
    return new StoreAccessError(`the database does not let this process in: ${cause.message}`, { cause: error });
  }
  return unavailable(error);
}

export function unavailable(error: unknown): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const cause = driverErrorOf(error);
  // What Node says of several addresses that all refuse has a code and no message.
  const reason = cause?.message || (typeof cause?.code === 'string' ? cause.code : 'no reason given');
  return new StoreUnavailableError(`the database is not available: ${reason}`, { cause: error });
}
