import type { Message } from 'agentmq/protocol';
import type { ClaimRef, ConsumerName, DeliveryError, SettledState } from './delivery.js';

export interface Claim {
  readonly messageId: string;
  readonly consumer: ConsumerName;
  /** The broker took this copy from an earlier holder, whose claim, if it is by the same copy, is therefore void. */
  readonly redelivered: boolean;
  /** Which copy of the message it is, as the wire tells; '' when it does not. */
  readonly copy: string;
  /** The most attempts that may fail, those cut off by the death of the claimant included. */
  readonly attempts: number;
  /** Nothing else that is suspect is handled beside it in this process. */
  readonly alone: boolean;
}

/**
 * - `claimed`: handle it; `attempt` fences everything said about it later, `failures` have gone before; its time to live
 *   ends in `leftMs`
 * - `settled`: completed, dead or expired at this consumer already, or (`now`) by this very claim: its time to live has
 *   ended, or the last of its attempts was cut off
 * - `waiting`: a retry, not due yet; its outbox entry brings it again
 * - `busy`: another holds it, its lease runs on
 * - `suspect`: claimants of it died twice, or once and this is its last attempt; claim it again with `alone`
 * - `unknown`: the store has no such message; `record` it, then claim again
 */
export type ClaimResult =
  | { readonly outcome: 'claimed'; readonly attempt: number; readonly failures: number; readonly leftMs: number }
  | { readonly outcome: 'settled'; readonly state: SettledState; readonly now: boolean }
  | { readonly outcome: 'waiting' }
  | { readonly outcome: 'busy' }
  | { readonly outcome: 'suspect' }
  | { readonly outcome: 'unknown' };

/** An attempt that failed: its delivery ends, or is put on its way again in `retryInMs`. */
export type Failure = ClaimRef & { readonly error: DeliveryError } & (
    { readonly state: 'dead' | 'expired' } | { readonly state: 'retrying'; readonly retryInMs: number }
  );

/** A message that never got as far as a handler: unreadable, unknown, invalid or expired. */
export interface Rejection {
  readonly message: Message;
  readonly consumer: ConsumerName;
  readonly state: 'dead' | 'expired';
  readonly error: DeliveryError;
}
