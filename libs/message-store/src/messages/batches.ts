import type { Message } from 'agentmq/protocol';
import { clean } from 'agentmq/database';

/** Messages once each, the first of an id, sorted by id as every insert does: batches with ids in common can't deadlock. */
export function distinct(messages: readonly Message[]): Message[] {
  const byId = new Map<string, Message>();
  for (const message of messages) {
    const id = clean(message.messageId);
    if (!byId.has(id)) byId.set(id, message);
  }
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, message]) => message);
}

/** Splits a batch, in order, so that the bodies of each part have at most `limit` bytes (or it is one message). */
export function byBytes<T>(items: readonly T[], sizeOf: (item: T) => number, limit: number): T[][] {
  const parts: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const last = parts.at(-1);
    if (last && size <= room) {
      last.push(item);
      room -= size;
    } else {
      parts.push([item]);
      room = limit - size;
    }
  }
  return parts;
}
