import type { ConsumerName } from 'agentmq/message-store';

/** A failure without its text, which may quote the payload: that is in the dead letter. */
export interface HopError {
  readonly name: string;
  readonly code: string;
}

/** One agent at work on a message. */
export interface HopAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly agent: string;
  readonly receivedAt?: Date;
  readonly handledAt?: Date;
  /** `fenced`: another agent has had the message since. */
  readonly outcome: 'handling' | 'completed' | 'failed' | 'fenced';
  readonly error?: HopError;
}

/**
 * - `waiting`: it is to be published, or owed to its consumer
 * - `published`: the broker has it; of what is not stored no more than that may be known
 * - `handling`, `retrying`: under way
 * - `completed`, `expired`
 * - `failed`: it was not published, or not answered, or its last attempt failed
 */
export type HopOutcome = 'waiting' | 'published' | 'handling' | 'retrying' | 'completed' | 'failed' | 'expired';

/** A message on its way from its sender to one consumer. */
export interface Hop {
  readonly messageId: string;
  /** The message that caused this one. */
  readonly causationId?: string;
  readonly kind: string;
  readonly type: string;
  /** Agent id of the sender. */
  readonly from: string;
  /** What it was sent to: `role.worker`, `agent.worker-1`, `topic:news.sport`, `broadcast`; of a task also `capability.resize`. */
  readonly to: string;
  /** `role.worker` or `agent.worker-1`; of a task what it was sent to. Absent while no consumer is known to have it. */
  readonly consumer?: ConsumerName;
  readonly sentAt: Date;
  /** Committed in the store; a message that came over the wire, when it was recorded. */
  readonly storedAt?: Date;
  /** Confirmed by the broker, for the first time. */
  readonly publishedAt?: Date;
  /** Taken by an agent, for the first time. */
  readonly receivedAt?: Date;
  /** When its last attempt ended. */
  readonly handledAt?: Date;
  readonly attempts: readonly HopAttempt[];
  readonly outcome: HopOutcome;
  readonly error?: HopError;
}

/** One flow of messages through agents. */
export interface Trace {
  readonly id: string;
  /** Agents, in the order in which each first sent or received something of it. */
  readonly path: readonly string[];
  /** Causes before what they caused, else in the order of time. */
  readonly hops: readonly Hop[];
  readonly startedAt: Date;
  /** The last that is known of it. */
  readonly endedAt: Date;
  /** Nothing of it is under way any more. */
  readonly complete: boolean;
  /** False: of a trace that was not recorded there is what the store has of durable messages. */
  readonly recorded: boolean;
  /** There are more hops than these. */
  readonly truncated: boolean;
}
