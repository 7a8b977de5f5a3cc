import type { Recipient } from 'agentmq/protocol';
import type { ConsumerName, DeliveryRef, DeliveryState } from '../deliveries/delivery.js';

/** What is searched for; all that is given has to hold. */
export interface SearchFilter {
  readonly id?: string;
  readonly type?: string;
  readonly consumer?: ConsumerName;
  /** It sent the message, or has it, or was the last to have it, at one of its consumers. */
  readonly agent?: string;
  /** Of a delivery: at `consumer` where that is given. `unpublished`: an outbox entry is open. */
  readonly state?: DeliveryState | 'unpublished';
  /** Stored from then on. */
  readonly from?: Date;
  /** Stored before then. */
  readonly before?: Date;
  readonly traceId?: string;
  readonly correlationId?: string;
  readonly key?: { readonly name: string; readonly value: string };
}

/** Where a page ends: the next one begins after it. */
export interface SearchPosition {
  /** RFC 3339, with microseconds. */
  readonly at: string;
  readonly id: string;
}

export interface FoundMessages {
  /** Newest first. May be fewer than asked for, and none, though there are more. */
  readonly messages: readonly FoundMessage[];
  /** Absent where everything has been looked at. */
  readonly next?: SearchPosition;
}

/** A message that was found, without its body. */
export interface FoundMessage {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly sender: string;
  readonly recipient: Recipient;
  readonly sentAt: Date;
  readonly storedAt: Date;
  readonly traceId: string | null;
  readonly correlationId: string | null;
  readonly published: boolean;
  readonly keys: readonly { readonly name: string; readonly value: string }[];
  /** At most 50. */
  readonly deliveries: readonly FoundDelivery[];
}

export interface FoundDelivery extends Omit<DeliveryRef, 'messageId'> {
  readonly state: DeliveryState;
  readonly attempt: number;
  readonly agentId: string | null;
  /** At most 500 characters of its text. */
  readonly error: { readonly name: string; readonly code: string; readonly message: string } | null;
  readonly discarded: boolean;
  readonly finishedAt: Date | null;
}
