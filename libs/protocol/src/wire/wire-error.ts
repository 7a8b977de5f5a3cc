import { boundedError } from '../bounds.js';
import { AgentMQError } from '../errors.js';

/** An error as it travels in a reply: the body of a message with header `agentmq-error: true`. */
export interface WireError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** The error's own public fields, as far as they are JSON. */
  readonly details?: Record<string, unknown>;
}

/** The responder's handler failed; `remote` tells what it threw. Retryable when the responder said so. */
export class RemoteError extends AgentMQError {
  readonly code: string;
  override readonly retryable: boolean;

  /** `sensitive`: it came sealed. The asker alone may read its text: what passes the error on leaves the text out. */
  constructor(
    readonly remote: WireError,
    readonly sensitive = false,
  ) {
    super(remote.message);
    this.code = remote.code;
    this.retryable = remote.retryable;
  }
}

const ownFields = new Set(['name', 'code', 'message', 'retryable', 'stack', 'cause']);

/**
 * What of anything thrown goes over the wire: never its stack, and fields beside the message only of our own errors,
 * since a driver's may quote statements and values. No field is longer than is worth keeping. Never throws.
 */
export function toWireError(error: unknown): WireError {
  return boundedError(wireErrorOf(error));
}

function wireErrorOf(error: unknown): WireError {
  if (error instanceof RemoteError) return error.sensitive ? withoutText(error.remote) : error.remote;
  if (!(error instanceof Error)) {
    // An exception filter may throw plain objects: `throwError(() => ({ code, message }))`.
    if (typeof error === 'object' && error !== null && 'message' in error) return withoutDetails(fromWireError(error));
    return { name: 'Error', code: 'UNKNOWN', message: textOf(error), retryable: false };
  }
  const source = error as Error & { code?: unknown; retryable?: unknown };
  return {
    name: textOf(error.name),
    code: typeof source.code === 'string' ? source.code : 'HANDLER_FAILED',
    message: textOf(error.message),
    retryable: source.retryable === true,
    ...(error instanceof AgentMQError ? detailsOf(error) : {}),
  };
}

const withoutText = ({ name, code, retryable }: WireError): WireError => ({
  name,
  code,
  retryable,
  message: 'not told, since it came sealed',
});

function withoutDetails({ remote }: RemoteError): WireError {
  const { details: _, ...rest } = remote;
  return rest;
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'unknown';
  }
}

function detailsOf(error: AgentMQError): { details?: Record<string, unknown> } {
  const entries = Object.entries(error).filter(([key]) => !ownFields.has(key));
  return entries.length === 0 ? {} : { details: Object.fromEntries(entries) };
}

/** The error that a reply's body describes; tolerant, since a foreign responder may have written it. */
export function fromWireError(body: unknown, sensitive = false): RemoteError {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Partial<WireError>;
  return new RemoteError(
    boundedError({
      name: typeof given.name === 'string' ? given.name : 'Error',
      code: typeof given.code === 'string' ? given.code : 'UNKNOWN',
      message: typeof given.message === 'string' ? given.message : 'the responder gave no message',
      retryable: given.retryable === true,
      ...(given.details ? { details: given.details } : {}),
    }),
    sensitive,
  );
}
