import { StoreUnavailableError } from './errors.js';

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

/**
 * SQLSTATEs (PostgreSQL manual, appendix A) that say nothing about the statement: connection exceptions, out of
 * resources, the server shutting down, crashed or starting, and a standby that is not promoted yet.
 */
const outages = /^(?:08...|53...|57P0[1-5]|25006)$/;

/** A statement that timed out or was cancelled, and a transaction rolled back in favour of another. */
const givenUp = /^(?:57014|40001|40P01)$/;

/** What pg and pg-pool say without a code. */
const messages =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Query read timeout|Connection ended unexpectedly)/;

interface DriverError {
  readonly message: string;
  readonly code?: unknown;
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

/** Whether the database was out of reach. */
function isOutage(error: unknown): boolean {
  const cause = driverErrorOf(error);
  if (!cause) return false;
  if (typeof cause.code === 'string' && (socketCodes.has(cause.code) || outages.test(cause.code))) return true;
  return messages.test(cause.message);
}

function isGivenUp(error: unknown): boolean {
  const code = driverErrorOf(error)?.code;
  return typeof code === 'string' && givenUp.test(code);
}

/** Whether the database was out of reach, or too busy, rather than the statement wrong. */
export const isUnavailable = (error: unknown): boolean => isOutage(error) || isGivenUp(error);

/**
 * The error to throw for a failed statement of the store's own: {@link StoreUnavailableError} with its cause, else the
 * error itself.
 */
export const storeError = (error: unknown): unknown => (isUnavailable(error) ? unavailable(error) : error);

/**
 * The same for a statement in a caller's transaction. How long that takes, and what it locks, is the caller's doing: a
 * statement that was given up is no outage, to be waited for, but a failure of the caller's.
 */
export const outageError = (error: unknown): unknown => (isOutage(error) ? unavailable(error) : error);

export function unavailable(error: unknown): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const cause = driverErrorOf(error);
  // What Node says of several addresses that all refuse has a code and no message.
  const reason = cause?.message || (typeof cause?.code === 'string' ? cause.code : 'no reason given');
  return new StoreUnavailableError(`the database is not available: ${reason}`, { cause: error });
}
