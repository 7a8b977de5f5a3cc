import { type Message, newMessageId, toRole } from 'agentmq/protocol';
import type { Store } from 'agentmq/message-store';
import { payload } from '../contender.js';

/** As the bus has them under load: its batches are of 500 at most, two of a kind under way. */
const BATCH = 250;
const LANES = 2;
const LEASE_MS = 60_000;
const CONSUMER = 'role.worker-1';

/** All that the store does for a message that meets no trouble: append, settle, claim, complete. Messages per second. */
export async function hotPath(store: Store, count: number, foreignTraces: boolean): Promise<number> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const first = next;
      next = Math.min(count, first + BATCH);
      await batch(store, messages(first, next, foreignTraces));
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: LANES }, lane));
  return (count * 1000) / (performance.now() - start);
}

async function batch(store: Store, sent: readonly Message[]): Promise<void> {
  await store.outbox.settle(await store.outbox.append(sent, { owner: 'bench-1', leaseMs: LEASE_MS }));
  const claims = sent.map(({ messageId }) => ({
    messageId,
    consumer: CONSUMER,
    copy: '',
    redelivered: false,
    attempts: 5,
    alone: false,
  }));
  const claimed = await store.deliveries.claim(claims, 'worker-1-7f3a', LEASE_MS);
  if (claimed.some(({ outcome }) => outcome !== 'claimed')) throw new Error('a message was not claimed');
  const refs = sent.map(({ messageId }) => ({ messageId, consumer: CONSUMER, attempt: 1 }));
  if ((await store.deliveries.complete(refs)).includes(false)) throw new Error('a message was not completed');
}

function messages(first: number, end: number, foreignTraces: boolean): Message[] {
  const now = Date.now();
  return Array.from({ length: end - first }, (_, index) => {
    const body = Buffer.from(JSON.stringify(payload(first + index)));
    const traceId = foreignTraces ? newMessageId().split('-').reverse().join('') : newMessageId().replaceAll('-', '');
    return {
      messageId: newMessageId(),
      sender: 'coordinator-1',
      recipient: toRole('worker-1'),
      timestamp: new Date(now),
      type: `type_${index % 20}`,
      version: 1,
      priority: 5,
      ttl: 3_600_000,
      expiresAt: new Date(now + 3_600_000),
      attempt: 1,
      contentType: 'application/json',
      trace: { traceparent: `00-${traceId}-${traceId.slice(0, 16)}-01` },
      body,
    };
  });
}
