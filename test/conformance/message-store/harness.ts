import { expect } from '@jest/globals';
import { type Message, newMessageId, toRole } from 'agentmq/protocol';
import type { Claim, ClaimRef, ClaimResult, Store, SettledState, StoredDelivery } from 'agentmq/message-store';

/** What the suite needs of an adapter's spec. */
export interface Harness {
  readonly store: Store;
  /** Stores on the same database and schema, as other processes would have them (the embedded one has just one). */
  readonly others: readonly Store[];
}

export const WORKER = 'role.worker';

/** A message to the role `worker` with a body of a few bytes. */
export function newMessage(fields: Partial<Message> = {}): Message {
  return {
    messageId: newMessageId(),
    sender: 'tester-1',
    recipient: toRole('worker'),
    timestamp: new Date(),
    type: 'test_message',
    version: 1,
    priority: 5,
    attempt: 1,
    body: Buffer.from('{"n":1}'),
    contentType: 'application/json',
    ...fields,
  };
}

export const newMessages = (count: number, fields: Partial<Message> = {}): Message[] =>
  Array.from({ length: count }, () => newMessage(fields));

export const claimOf = ({ messageId }: Message, fields: Partial<Claim> = {}): Claim => ({
  messageId,
  consumer: WORKER,
  redelivered: false,
  copy: '',
  attempts: 5,
  alone: false,
  ...fields,
});

export const refOf = ({ messageId }: Message, attempt = 1): ClaimRef => ({ messageId, consumer: WORKER, attempt });

export const claimed = (attempt: number, failures = 0): ClaimResult => ({
  outcome: 'claimed',
  attempt,
  failures,
  leftMs: expect.any(Number) as unknown as number,
});
export const busy: ClaimResult = { outcome: 'busy' };
export const suspect: ClaimResult = { outcome: 'suspect' };
export const waiting: ClaimResult = { outcome: 'waiting' };

/** Settled before, or (`now`) by the claim itself. */
export const settled = (state: SettledState, now = false): ClaimResult => ({ outcome: 'settled', state, now });

/** A delivery that nobody has received yet, as it is read. */
export const pendingAt = ({ messageId }: Message, consumer: string): StoredDelivery => ({
  messageId,
  consumer,
  state: 'pending',
  attempt: 0,
  agentId: null,
  error: null,
  history: [],
  dueAt: null,
  receivedAt: null,
  finishedAt: null,
  discarded: null,
});

export const boom = { name: 'Error', code: 'BOOM', message: 'it broke', retryable: false };

/** Empties every table but the migrations'. */
export async function wipe(store: Store): Promise<void> {
  await store.database.transaction((transaction) =>
    transaction.query(
      ['messages', 'outbox', 'deliveries', 'subscriptions', 'ended_subscriptions', 'agents', 'hops']
        .map((table) => `DELETE FROM "${store.database.schema}".${table}`)
        .join(';'),
    ),
  );
}

export async function dropSchema(store: Store): Promise<void> {
  await store.database.transaction((transaction) =>
    transaction.query(`DROP SCHEMA IF EXISTS "${store.database.schema}" CASCADE`),
  );
}
