import type { ConsumerName, DeliveryError, DeliveryRef } from '../deliveries/delivery.js';
import type { ReplaySelection } from './replay-selection.js';

/** Which dead letters; every field given must hold. */
export interface DeadLetterFilter extends Pick<
  ReplaySelection,
  'type' | 'version' | 'consumer' | 'from' | 'before' | 'errorGroup' | 'error'
> {
  /** Those that were discarded as well. */
  readonly discarded?: boolean;
}

/** Where one is in the order of the list: when its message was stored, with all digits, as a Date has only ms. */
export interface DeadLetterPlace extends DeliveryRef {
  readonly storedAt: string;
}

/** One message at one consumer that gave it up, without its body. */
export interface StoredDeadLetter extends DeadLetterPlace {
  readonly type: string;
  readonly version: number;
  readonly sender: string;
  readonly sentAt: Date;
  readonly attempt: number;
  readonly error: DeliveryError | null;
  /** What has the same is of one group, at one consumer and of one contract. */
  readonly errorGroup: string;
  /** As far as it is known: the latest 20 attempts are. */
  readonly firstFailedAt: Date | null;
  readonly lastFailedAt: Date | null;
  readonly discarded: { readonly at: Date; readonly reason: string } | null;
}

/** Dead letters of one consumer, contract and error, which were not discarded. */
export interface StoredDeadLetterGroup {
  readonly consumer: ConsumerName;
  readonly type: string;
  readonly version: number;
  readonly errorGroup: string;
  /** Of the latest one. */
  readonly error: DeliveryError | null;
  readonly count: number;
  /** There are more than `count`: not all were counted. */
  readonly more: boolean;
  /** When the first and the last delivery that is counted were given up. */
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** The id of the latest one. */
  readonly example: string;
}
