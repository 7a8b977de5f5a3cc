import type { ConsumerName, DeliveryError, DeliveryRef } from './delivery.js';

/** What a handler is looked for. */
export interface HandlerSought {
  readonly consumer: ConsumerName;
  readonly type: string;
  readonly version: number;
  /** That it was published to; none for what was sent to the consumer itself. */
  readonly topic?: string;
}

/** A message that came to an instance without a handler for it. */
export interface UnhandledDelivery extends DeliveryRef {
  readonly topic?: string;
  /** Why it waits, or is dead in the end. */
  readonly error: DeliveryError;
  /** Another instance has passed it on: it is not passed on again. */
  readonly forwarded: boolean;
}

export interface UnhandledOptions {
  /** The agent that asks: the message is for another. */
  readonly agentId: string;
  /** How long an agent that counts as live may have been silent, in ms. */
  readonly liveMs: number;
  /** How long a message waits for a handler, in ms. */
  readonly graceMs: number;
}

/**
 * - `forward`: send it on to that agent's own inbox; it stays owed, with no attempt counted
 * - `waiting`: for an instance that handles it (`now`: since this call), or for its retry
 * - `settled`: completed, dead or expired, or (`now`) dead by this call: it has waited for long enough
 * - `busy`: another holds it, its lease runs on
 * - `stray`: published to a topic that the consumer is not subscribed to (any more), and not owed to it
 * - `unknown`: the store has no such message; `record` it, then ask again
 */
export type UnhandledResult =
  | { readonly outcome: 'forward'; readonly agentId: string }
  | { readonly outcome: 'waiting'; readonly now: boolean }
  | { readonly outcome: 'settled'; readonly now: boolean }
  | { readonly outcome: 'busy' }
  | { readonly outcome: 'stray' }
  | { readonly outcome: 'unknown' };

/** Messages of one contract that wait at a consumer for an instance that handles it. */
export interface AwaitedHandler {
  readonly consumer: ConsumerName;
  readonly type: string;
  readonly version: number;
  readonly count: number;
  /** When the first of them began to wait. */
  readonly since: Date;
}
