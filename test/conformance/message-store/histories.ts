import type { Message } from 'agentmq/protocol';
import type { Store } from 'agentmq/message-store';
import { boom, claimOf, refOf } from './harness.js';

const LONG = 60_000;

/** Stored and published, and then the broker lost them. */
export async function lostAtBroker(store: Store, messages: readonly Message[]): Promise<void> {
  await store.outbox.settle(await store.outbox.append(messages, { owner: 'o', leaseMs: LONG }));
}

/** Stored, published, and handled by the worker. */
export async function endedAtWorker(
  store: Store,
  messages: readonly Message[],
  state: 'completed' | 'dead',
): Promise<void> {
  await lostAtBroker(store, messages);
  const claims = messages.map((message) => claimOf(message));
  const refs = messages.map((message) => refOf(message));
  await store.deliveries.claim(claims, 'a', LONG);
  if (state === 'completed') await store.deliveries.complete(refs);
  else await store.deliveries.fail(refs.map((ref) => ({ ...ref, state, error: boom })));
}

export const idsOf = (messages: readonly Message[]): string[] => messages.map(({ messageId }) => messageId);
