import { AsyncLocalStorage } from 'node:async_hooks';
import type { Message, TraceContext } from 'agentmq/protocol';
import type { Transaction } from 'agentmq/database';
import type { Handling } from './receive/handlers/handler.js';
import { childOf, newTrace } from './tracing/trace-context.js';

interface Flow {
  /** The message being handled, and what its handler was given with it. */
  readonly handling?: Handling;
  /** In place of the message's. */
  readonly trace?: TraceContext;
  /** The id of the message that causes what is sent, in place of the one being handled. */
  readonly causationId?: string;
}

const flows = new AsyncLocalStorage<Flow | undefined>();

/** Runs a handler so that what it sends is known to be caused by its message, and joins its transaction. */
export const inFlow = <A extends unknown[], T>(flow: Flow, work: (...args: A) => T, ...args: A): T =>
  flows.run(flow, work, ...args);

/** Runs `work` so that what it sends is part of the trace, and caused by that message if one is given. All else stays. */
export const inTrace = <T>(trace: TraceContext, causationId: string | undefined, work: () => T): T =>
  flows.run({ ...flows.getStore(), trace, ...(causationId === undefined ? {} : { causationId }) }, work);

/** Runs `work` so that what it sends is in a trace of its own that is not recorded: what agents send each other all the time. */
export const untraced = <T>(work: () => T): T => inTrace(newTrace(false), undefined, work);

/**
 * Runs what is no part of the asynchronous flow that it was reached by: in memory, a receiver is called in the flow of the
 * sender, and would join its transaction.
 */
export const apart = (work: () => void): void => flows.run(undefined, work);

/** The message being handled in this asynchronous flow, if any. */
export const currentMessage = (): Message | undefined => flows.getStore()?.handling?.message;

/** The id of the message that causes what is sent in this asynchronous flow, if any. */
export function currentCause(): string | undefined {
  const flow = flows.getStore();
  return flow?.causationId ?? flow?.handling?.message.messageId;
}

/** The signal of the handler that runs in this asynchronous flow, if any. */
export const currentSignal = (): AbortSignal | undefined => flows.getStore()?.handling?.signal;

/** The transaction of the handler that runs in this asynchronous flow, if it is transactional. */
export const currentTransaction = (): Transaction | undefined => flows.getStore()?.handling?.transaction;

/** The trace context of a new message: in the trace of this flow, else the first of a trace, which `sample` says to record. */
export function nextTrace(sample: () => boolean): TraceContext {
  const flow = flows.getStore();
  const parent = flow?.trace ?? flow?.handling?.message.trace;
  return parent ? childOf(parent) : newTrace(sample());
}
