import { type TraceContext, traceFor } from 'agentmq/protocol';
import type { Store } from 'agentmq/message-store';
import { TraceNotFoundError } from '../errors.js';
import { assemble } from './assemble.js';
import type { Trace } from './trace.js';
import { contextIn, traceIdOf } from './trace-context.js';

/** The most hops of one trace, and messages of the store, that are read. */
const MOST = 1_000;
/** A hop has a record of its sending, and one of each attempt. */
const MOST_RECORDS = 5 * MOST;

type Reads = Pick<Store, 'history' | 'hops'>;

/**
 * Reads a trace by its own id (32 hexadecimal digits) or by that of one of its messages. Rejects with
 * {@link TraceNotFoundError}, and as the store does.
 */
export async function readTrace(store: Reads, id: string): Promise<Trace> {
  const byId = isTraceId(id) ? await read(store, id) : undefined;
  if (byId) return byId;
  const found = await traceOfMessage(store, id);
  const trace = found && (await read(store, found.traceId, found.apart ? id : undefined));
  if (!trace) throw new TraceNotFoundError(id);
  return trace;
}

/**
 * What goes on the trace of that message is to have this for its parent. Rejects with {@link TraceNotFoundError}, and as the
 * store does.
 */
export async function contextOf({ history, hops }: Reads, messageId: string): Promise<TraceContext> {
  const stored = await history.find(messageId);
  if (stored) return stored.message.trace ?? traceFor(messageId);
  const traceId = await hops.traceOf(messageId);
  if (traceId === undefined) throw new TraceNotFoundError(messageId);
  return contextIn(traceId);
}

async function traceOfMessage(
  { history, hops }: Reads,
  messageId: string,
): Promise<{ readonly traceId: string; readonly apart: boolean } | undefined> {
  const stored = await history.find(messageId);
  if (!stored) {
    const traceId = await hops.traceOf(messageId);
    return traceId === undefined ? undefined : { traceId, apart: false };
  }
  // One that was stored without a trace caused what is in the trace of its id.
  const { trace } = stored.message;
  return { traceId: traceIdOf(trace ?? traceFor(messageId)), apart: !trace };
}

/** `apart`: a message that is read beside those of the trace. */
async function read({ history, hops }: Reads, traceId: string, apart?: string): Promise<Trace | undefined> {
  const [listed, records, beside] = await Promise.all([
    history.list({ limit: MOST, discarded: true, traceId, bodies: false }),
    hops.read(traceId, MOST_RECORDS),
    apart === undefined ? undefined : history.find(apart),
  ]);
  const stored = beside ? [beside, ...listed] : listed;
  if (stored.length === 0 && records.length === 0) return undefined;
  const isPart = listed.length === MOST || records.length === MOST_RECORDS;
  return assemble(traceId, stored, records, { most: MOST, isPart });
}

const isTraceId = (id: string): boolean => /^[0-9a-f]{32}$/.test(id);
