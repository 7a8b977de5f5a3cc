import { AsyncLocalStorage } from 'node:async_hooks';
import type { Message, TraceContext } from 'agentmq/protocol';
import { type CallerTransaction, type Database, type Transaction, transactionGiven } from 'agentmq/database';
import { activeTrace, inTraceContext } from 'agentmq/telemetry';
import type { Handling } from './receive/handlers/handler.js';
import { newTrace, spanIdOf, traceIdOf } from './tracing/trace-context.js';

interface Flow {
  /** The message being handled, and what its handler was given with it. */
  readonly handling?: Handling;
  /** In place of the handler's. */
  readonly transaction?: Transaction;
  /** In place of the message's. */
  readonly trace?: TraceContext;
  /** The id of the message that causes what is sent, in place of the one being handled. */
  readonly causationId?: string;
  /** What a line of the log is about, in place of what is handled. */
  readonly told?: Told;
}

type Told = Pick<Message, 'messageId' | 'trace'>;

const flows = new AsyncLocalStorage<Flow | undefined>();

/** Runs a handler so that what it sends is known to be caused by its message, and joins its transaction. */
export const inFlow = <A extends unknown[], T>(flow: Flow, work: (...args: A) => T, ...args: A): T =>
  flows.run(flow, work, ...args);

/** Runs `work` so that what it sends is part of the trace, and caused by that message if one is given. All else stays. */
export const inTrace = <T>(trace: TraceContext, causationId: string | undefined, work: () => T): T =>
  flows.run({ ...flows.getStore(), trace, ...(causationId === undefined ? {} : { causationId }) }, () =>
    inTraceContext(trace, work),
  );

/** Runs `work` so that what it sends, and the app's repositories, are part of the transaction. All else stays. */
export const inTransactionOf = <T>(transaction: Transaction, work: () => T): T =>
  flows.run({ ...flows.getStore(), transaction }, work);

/** Runs `work` so that what it sends is in a trace of its own that is not recorded: what agents send each other all the time. */
export const untraced = <T>(work: () => T): T => inTrace(newTrace(false), undefined, work);

/**
 * Runs what is no part of the asynchronous flow that it was reached by: in memory, a receiver is called in the flow of the
 * sender, and would join its transaction.
 */
export const apart = (work: () => void): void => flows.run(undefined, () => inTraceContext(undefined, work));

/** The message being handled in this asynchronous flow, if any. */
export const currentMessage = (): Message | undefined => flows.getStore()?.handling?.message;

/** The id of the message that causes what is sent in this asynchronous flow, if any. */
export function currentCause(): string | undefined {
  const flow = flows.getStore();
  return flow?.causationId ?? flow?.handling?.message.messageId;
}

/** What a line of the log tells beside its text: which message is handled, by which agent, and which trace and span it is part of. */
export function logFields(): Record<string, string> {
  const { handling, told } = flows.getStore() ?? {};
  const message = told ?? handling?.message;
  const trace = told?.trace ?? activeTrace() ?? flowTrace();
  return {
    ...(handling && { agentId: handling.agentId }),
    ...(message && { messageId: message.messageId }),
    ...(trace && { traceId: traceIdOf(trace), spanId: spanIdOf(trace) }),
  };
}

/** Runs what logs a line about a message, which is not the one being handled here. */
export const tellingOf = (told: Told, work: () => void): void => flows.run({ ...flows.getStore(), told }, work);

/** The signal of the handler that runs in this asynchronous flow, if any. */
export const currentSignal = (): AbortSignal | undefined => flows.getStore()?.handling?.signal;

/** The transaction of this asynchronous flow: of the handler that runs in it, if that is transactional, or of fenced work. */
export function currentTransaction(): Transaction | undefined {
  const flow = flows.getStore();
  return flow?.transaction ?? flow?.handling?.transaction;
}

/**
 * The transaction that something is to be written in: the one given, else the one that the app has open here, else that of the
 * handler being run. Throws what `refused` makes of a manager that is in none.
 */
export function joinedTransaction(
  database: Database,
  given: CallerTransaction | undefined,
  refused: (problem: string, options: ErrorOptions) => Error,
): Transaction | undefined {
  if (!given) return database.ambient ?? currentTransaction();
  try {
    return transactionGiven(given);
  } catch (cause) {
    throw refused('is an EntityManager that is in none', { cause });
  }
}

/** The trace that this asynchronous flow is part of, if any. */
export function flowTrace(): TraceContext | undefined {
  const flow = flows.getStore();
  return flow?.trace ?? flow?.handling?.message.trace;
}
