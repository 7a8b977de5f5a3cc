import { traceFor } from 'agentmq/contracts';
import type { MessageStore, StoredMessage } from 'agentmq/message-store';
import { TraceNotFoundError } from './errors.js';
import { traceIdOf } from './views.js';

/** The most messages of one trace that are read. */
const MOST = 1_000;

/** A message, and those that it caused, oldest first. */
export interface TraceNode {
  readonly stored: StoredMessage;
  readonly caused: readonly TraceNode[];
}

export interface TraceTree {
  readonly traceId: string;
  readonly messages: number;
  /** There are more messages than were read. */
  readonly truncated: boolean;
  /** Messages that no stored message of the trace caused. */
  readonly roots: readonly TraceNode[];
}

/**
 * Reads a trace by its own id (32 hexadecimal digits) or by that of one of its messages; without bodies unless asked for.
 * Rejects with {@link TraceNotFoundError}.
 */
export async function traceTree(store: MessageStore, id: string, bodies = false): Promise<TraceTree> {
  const found = /^[0-9a-f]{32}$/.test(id) ? undefined : await store.find(id);
  const traceId = found ? (traceIdOf(found.message) ?? traceIdOf({ trace: traceFor(id) }) ?? id) : id;
  const listed = await store.list({ limit: MOST, discarded: true, traceId, bodies });
  // One that was stored without a trace caused what is in the trace of its id.
  const isApart = found !== undefined && listed.length < MOST && !traceIdOf(found.message);
  const stored = isApart ? [found, ...listed] : listed;
  if (stored.length === 0) throw new TraceNotFoundError(id);
  return { traceId, messages: stored.length, truncated: stored.length === MOST, roots: nested(stored) };
}

function nested(stored: readonly StoredMessage[]): TraceNode[] {
  const nodes = new Map(stored.map((each) => [each.message.messageId, { stored: each, caused: [] as TraceNode[] }]));
  const roots: TraceNode[] = [];
  for (const node of nodes.values()) {
    const { messageId, causationId } = node.stored.message;
    const cause = causationId === undefined || causationId === messageId ? undefined : nodes.get(causationId);
    (cause?.caused ?? roots).push(node);
  }
  return roots;
}
