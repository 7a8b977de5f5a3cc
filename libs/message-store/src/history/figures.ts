import type { ConsumerName, DeliveryState } from '../deliveries/delivery.js';
import type { Refusal } from '../outbox/outbox-entry.js';

export interface StoreCounts {
  readonly messages: number;
  readonly outbox: number;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
}

/** What a consumer is owed, or ended dead there and was not discarded. */
export interface ConsumerFigure {
  readonly consumer: ConsumerName;
  readonly state: 'pending' | 'processing' | 'retrying' | 'dead';
  readonly count: number;
}

/** What waits in the store, and where. */
export interface StoreFigures {
  /** As `OutboxStore.size` counts. */
  readonly entries: number;
  /** How long the oldest of these has been due, in s; null when there is none. */
  readonly oldest: number | null;
  readonly refusing: readonly Pick<Refusal, 'target' | 'entries'>[];
  readonly deliveries: readonly ConsumerFigure[];
  /** How long the oldest of what a consumer is owed has been so, in s, since it was to be delivered. Those that are owed nothing are not there. */
  readonly oldestOwed: readonly { readonly consumer: ConsumerName; readonly age: number }[];
}
