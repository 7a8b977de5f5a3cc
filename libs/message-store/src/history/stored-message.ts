import type { Message } from 'agentmq/protocol';
import type { ConsumerName, DeliveryError, DeliveryRef, DeliveryState, FailedAttempt } from '../deliveries/delivery.js';

export interface StoredMessage {
  readonly message: Message;
  readonly storedAt: Date;
  /** It was stored when it came over the wire, not when it was sent: of its sender there is only what it says itself. */
  readonly received: boolean;
  /** False while an outbox entry is open. */
  readonly published: boolean;
  readonly deliveries: readonly StoredDelivery[];
}

export interface StoredDelivery extends DeliveryRef {
  readonly state: DeliveryState;
  /** Counts the claims; 0 for one that was never claimed. */
  readonly attempt: number;
  /** Agent id of the last claimant. */
  readonly agentId: string | null;
  /** Why it is dead, expired or retrying. */
  readonly error: DeliveryError | null;
  /** The attempts that failed, oldest first, since it was last requeued; the latest 20. */
  readonly history: readonly FailedAttempt[];
  /** When it is tried again, while it is retrying. */
  readonly dueAt: Date | null;
  /** When it was first claimed, or rejected. */
  readonly receivedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Of a dead letter that an operator has dealt with. */
  readonly discarded: { readonly at: Date; readonly reason: string } | null;
}

export interface MessageFilter {
  readonly correlationId?: string;
  readonly traceId?: string;
  readonly type?: string;
  /** Those that came over the wire, or (false) those that were sent through the store; both unless given. */
  readonly received?: boolean;
  readonly consumer?: ConsumerName;
  readonly state?: DeliveryState;
  /** Dead letters that were discarded are left out unless true. */
  readonly discarded?: boolean;
  /** At most this many, in the order in which they were stored; 100 unless given, 1000 at most. */
  readonly limit?: number;
  /** Messages after the one with this id. Rejects with `InvalidSelectionError` when there is none. */
  readonly after?: string;
  /** False leaves the bodies out, which may be large: they are then empty. */
  readonly bodies?: boolean;
}

/** What one flow of messages came to. */
export interface TraceSummary {
  /** Senders and claimants, in the order in which they first appeared. */
  readonly agents: readonly string[];
  readonly messages: number;
  readonly completed: number;
}
