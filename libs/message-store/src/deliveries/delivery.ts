import type { WireError } from 'agentmq/protocol';

/** The consumer that a durable message is owed to: `role.worker` or `agent.worker-1`. */
export type ConsumerName = string;

/**
 * - `pending`: owed to the consumer, not received yet
 * - `processing`: claimed (or given back, and free to claim)
 * - `retrying`: failed, due again later
 * - `completed`, `dead` or `expired`: settled
 */
export const DELIVERY_STATES = ['pending', 'processing', 'retrying', 'completed', 'dead', 'expired'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** Of deliveries that are owed: neither completed nor given up. */
export const openStates: readonly DeliveryState[] = ['pending', 'processing', 'retrying'];

export type SettledState = Extract<DeliveryState, 'completed' | 'dead' | 'expired'>;

/** A message at a consumer. */
export interface DeliveryRef {
  readonly messageId: string;
  readonly consumer: ConsumerName;
}

/** A delivery as one claimant holds it. */
export interface ClaimRef extends DeliveryRef {
  readonly attempt: number;
}

export interface DeliveryError extends WireError {
  readonly stack?: string;
}

/** One attempt that failed. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly at: Date;
  readonly agentId: string | null;
  readonly error: DeliveryError;
}
