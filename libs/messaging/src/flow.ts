import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { type Message, newMessageId, type TraceContext } from 'agentmq/contracts';
import type { Transaction } from 'agentmq/message-store';

interface Flow {
  readonly message: Message;
  /** Of the handler: aborts when it is not waited for any more. */
  readonly signal?: AbortSignal;
  readonly transaction?: Transaction;
}

const handled = new AsyncLocalStorage<Flow | undefined>();

/** Runs a handler so that what it sends is known to be caused by the message, and joins the handler's transaction. */
export function causedBy<T>(flow: Flow, work: () => Promise<T>): Promise<T> {
  return handled.run(flow, work);
}

/**
 * Runs what is no part of the asynchronous flow that it was reached by: in memory, a receiver is called in the flow of
 * whoever sent, and would join that one's transaction.
 */
export const apart = (work: () => void): void => handled.run(undefined, work);

/** The message being handled in this asynchronous flow, if any. */
export const currentMessage = (): Message | undefined => handled.getStore()?.message;

/** The signal of the handler that runs in this asynchronous flow, if any. */
export const currentSignal = (): AbortSignal | undefined => handled.getStore()?.signal;

/** The transaction of the handler that runs in this asynchronous flow, if it is transactional. */
export const currentTransaction = (): Transaction | undefined => handled.getStore()?.transaction;

/**
 * The trace context of a new message: in the trace of its cause, unless given that of the message being handled, else the
 * first of a new trace (W3C Trace Context, version 00, sampled).
 */
export function nextTrace(parent: TraceContext | undefined = currentMessage()?.trace): TraceContext {
  const traceId = parent?.traceparent.slice(3, 35) ?? newTraceId();
  const traceparent = `00-${traceId}-${hexadecimal(16)}-01`;
  return parent?.tracestate ? { traceparent, tracestate: parent.tracestate } : { traceparent };
}

/**
 * A UUIDv7's digits: time first, so that the store's index of traces grows at its end however long the history, and
 * random in its last 7 bytes, as W3C Trace Context Level 2 (section 3.2.2.3) asks.
 */
const newTraceId = (): string => newMessageId().replaceAll('-', '');

/** Up to 32 random digits. Node keeps randomness for UUIDs in store; asking for single bytes is several times as slow. */
const hexadecimal = (digits: number): string => randomUUID().replaceAll('-', '').slice(0, digits);
