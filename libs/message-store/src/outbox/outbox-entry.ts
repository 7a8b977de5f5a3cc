import { formatRecipient, type Message } from 'agentmq/protocol';
import type { ConsumerName } from '../deliveries/delivery.js';

/** An outbox entry in the hands of one process: publish the message, then settle or postpone it. */
export interface OutboxEntry {
  /** Identifies the entry; a bigint as text. */
  readonly id: string;
  /** Counts the leases of this entry; fences settle and postpone. */
  readonly lease: number;
  readonly message: Message;
  /** A retry or replay, for this consumer alone; otherwise the message goes to its recipient. */
  readonly consumer?: ConsumerName;
}

/** Where an entry goes: its consumer, or its message's recipient, e.g. `role.worker`. */
export const targetOf = ({ consumer, message }: Pick<OutboxEntry, 'consumer' | 'message'>): string =>
  consumer ?? formatRecipient(message.recipient);

/** Names an entry as it was leased. */
export type OutboxLease = Pick<OutboxEntry, 'id' | 'lease'>;

/** A target whose inbox is full or missing. */
export interface Refusal {
  /** As {@link targetOf} names it. */
  readonly target: string;
  /** Entries that wait for it. */
  readonly entries: number;
  readonly since: Date;
}

/** An agent whose messages have not gone out for a while: their inboxes are full or missing, or no relay gets them published. */
export interface StuckSender {
  readonly sender: string;
  /** Messages that wait; at most 10,000 that are due, and as many that were put off, are looked at. */
  readonly entries: number;
  /** Since when the first of them might have gone out. */
  readonly since: Date;
}

/** Messages that should have gone out long ago, though their inboxes refuse nothing. */
export interface StuckEntries {
  /** At most 10,000 that are due, and as many that were put off, are looked at. */
  readonly entries: number;
  /** Since when the first of them might have gone out. */
  readonly since: Date;
  /** Why the latest that was tried was not published; null when none was tried. */
  readonly error: string | null;
}
