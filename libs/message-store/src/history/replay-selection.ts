import type { Transaction } from 'agentmq/database';
import type { ConsumerName, DeliveryState } from '../deliveries/delivery.js';

/** Which deliveries to put on their way again; every field given must hold. */
export interface ReplaySelection {
  readonly messageIds?: readonly string[];
  readonly traceId?: string;
  readonly type?: string;
  readonly version?: number;
  /** A topic pattern: messages that were published to a topic that it matches. */
  readonly topic?: string;
  /** Deliveries at this consumer. */
  readonly consumer?: ConsumerName;
  /** Messages stored from then on, and before then. */
  readonly from?: Date;
  readonly before?: Date;
  /** What is open (pending, retrying, processing with no lease) unless given. Discarded dead letters only by id. */
  readonly states?: readonly DeliveryState[];
  /** Dead letters of one group of errors at a consumer, as {@link DeadLetterStore} tells it. */
  readonly errorGroup?: string;
  /** Whose error has this text in its name, code, message or stack; upper and lower case alike. */
  readonly error?: string;
  /** Only what has been untouched for so long, in ms: neither sent, put on its way, tried, nor leased. */
  readonly quietMs?: number;
}

export interface ReplayOptions {
  /**
   * Deliver to this consumer instead of the one that each delivery belongs to: a new subscriber catches up. Messages
   * that it has completed, or is owed, already are passed over; completed ones of other consumers are taken if asked for.
   */
  readonly to?: ConsumerName;
  /**
   * They are not owed to the consumer selected any more, but to the one of `to`, which keeps what it has of them already.
   * Dead and expired ones begin anew. At the old consumer each is a discarded dead letter that says so.
   */
  readonly move?: boolean;
  /** What was discarded is left alone, also of what is selected by id. */
  readonly undiscarded?: boolean;
  /** Changes nothing, only counts. */
  readonly dryRun?: boolean;
  /** At most this many in one call, oldest first; 1,000 unless given, 10,000 at most. */
  readonly limit?: number;
  /** Where the call before ended. */
  readonly after?: ReplayCursor;
  /** Carried out in the same transaction, with how many were put on their way, unless that is none. */
  readonly also?: AlsoInTransaction;
  /** Else it has a transaction of its own. */
  readonly transaction?: Transaction;
}

/** What is committed with a batch, or not at all. */
export type AlsoInTransaction = (transaction: Transaction, rows: number) => Promise<void>;

/** What a dry run found. */
export interface ReplayPreview {
  /** The most numerous first. */
  readonly counts: readonly { readonly consumer: ConsumerName; readonly type: string; readonly count: number }[];
  /** Ids of some of the messages. */
  readonly sample: readonly string[];
}

/** A place in the order of replay, opaque to callers. */
export type ReplayCursor = string;

export interface ReplayBatch {
  /** Deliveries that the selection holds. */
  readonly matched: number;
  /** Of these put on their way (with `dryRun`: that would be); what is completed at its consumer, or on its way already, is not. */
  readonly replayed: number;
  /** Of a dry run. */
  readonly preview?: ReplayPreview;
  /** Undefined when there are no more. */
  readonly next?: ReplayCursor;
}
