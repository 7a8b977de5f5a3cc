import type { Recipient } from 'agentmq/protocol';
import type { ConsumerName, DeliveryState } from '../deliveries/delivery.js';

/** What the store knows of where one message is, all of one moment. */
export interface MessageFacts {
  /** By the database's clock. */
  readonly now: Date;
  readonly type: string;
  readonly version: number;
  /** As it is handled: of one that took the place of a dead letter, the old one's. */
  readonly recipient: Recipient;
  readonly storedAt: Date;
  readonly expiresAt: Date | null;
  readonly entries: readonly EntryFacts[];
  readonly deliveries: readonly DeliveryFacts[];
}

/** An open outbox entry. */
export interface EntryFacts {
  /** `role.worker`, `topic:news.sport`, `broadcast`. */
  readonly target: string;
  /** Of a copy for that consumer alone; null for the message's first publication. */
  readonly consumer: ConsumerName | null;
  readonly dueAt: Date;
  /** It is not to go out before it is due. */
  readonly scheduled: boolean;
  readonly leasedBy: string | null;
  /** Why publishing failed last. */
  readonly lastError: string | null;
  /** Since when its target could not take it. */
  readonly refusedAt: Date | null;
}

export interface DeliveryFacts {
  readonly consumer: ConsumerName;
  readonly state: DeliveryState;
  readonly attempt: number;
  readonly agentId: string | null;
  readonly leasedUntil: Date | null;
  readonly dueAt: Date | null;
  readonly expiresAt: Date | null;
  readonly unhandledSince: Date | null;
  /** The agent that it was passed on to, since that has a handler. */
  readonly forwardedTo: string | null;
  readonly error: { readonly name: string; readonly code: string; readonly message: string } | null;
  readonly discarded: { readonly at: string; readonly reason: string } | null;
  readonly receivedAt: Date | null;
  readonly finishedAt: Date | null;
}
