import type { StoredMessage, MessageStore } from 'agentmq/message-store';
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

/** Reads a trace by its own id (32 hexadecimal digits) or by that of one of its messages. Rejects with {@link TraceNotFoundError}. */
export async function traceTree(store: MessageStore, id: string): Promise<TraceTree> {
  const message = /^[0-9a-f]{32}$/.test(id) ? undefined : (await store.find(id))?.message;
  const traceId = message ? traceIdOf(message) : id;
  const page = { limit: MOST, discarded: true };
  const stored = traceId === undefined ? [] : await store.list({ ...page, traceId });
  if (stored.length === 0) throw new TraceNotFoundError(id);
  return { traceId: traceId ?? id, messages: stored.length, truncated: stored.length === MOST, roots: nested(stored) };
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
