import type { ConsumerName, DeliveryState } from 'agentmq/message-store';
import type { PageQuery } from './page.js';

/** What is searched for; all that is given has to hold. */
export interface MessageSearch extends PageQuery {
  readonly id?: string;
  readonly type?: string;
  /** `role.worker` or `agent.worker-1`. */
  readonly consumer?: ConsumerName;
  /** Id of an agent that sent it, has it, or was the last to have it at one of its consumers. */
  readonly agent?: string;
  /** Of a delivery: at `consumer` where that is given. `unpublished`: it has not gone out to the broker yet. */
  readonly state?: DeliveryState | 'unpublished';
  /** Stored from then on. */
  readonly from?: Date;
  /** Stored before then. */
  readonly before?: Date;
  readonly traceId?: string;
  readonly correlationId?: string;
  /** A payload field that the contract marks as a key, e.g. `{ name: 'order', value: '4711' }`. */
  readonly key?: MessageKey;
}

export interface MessageKey {
  readonly name: string;
  readonly value: string;
}

/** A message in a list, without its payload. */
export interface MessageRow {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  /** Id of the agent that sent it. */
  readonly sender: string;
  /** `role.worker`, `agent.worker-1`, `topic:news.sport`, `broadcast`. */
  readonly recipient: string;
  readonly sentAt: Date;
  readonly storedAt: Date;
  readonly traceId?: string;
  readonly correlationId?: string;
  readonly keys: readonly MessageKey[];
  /** The broker has it: nothing of it waits in the outbox. */
  readonly published: boolean;
  /** At most 50. */
  readonly deliveries: readonly DeliveryRow[];
}

export interface DeliveryRow {
  readonly consumer: ConsumerName;
  readonly state: DeliveryState;
  /** 1 for the first. */
  readonly attempt: number;
  readonly agentId: string | null;
  readonly error: { readonly name: string; readonly code: string; readonly message: string } | null;
  readonly discarded: boolean;
  readonly finishedAt: Date | null;
}

/**
 * Why a message is where it is:
 * - `not_found`: never committed here, or forgotten since
 * - `delayed`: it is to go out later
 * - `in_outbox`: the broker has not taken it yet; with the last error, if publishing failed
 * - `inbox_full`, `inbox_missing`: the recipient's inbox refuses it
 * - `no_recipient`: no consumer is owed it: no subscription matches, or there is no such role or agent
 * - `no_consumer`: it waits in a queue that no live agent reads
 * - `paused`: its consumer, or all agents that read it, are paused
 * - `queued`: it waits in a queue behind others
 * - `no_handler`: no live instance of the consumer handles its type and version
 * - `claimed`: an agent has it, until its lease ends
 * - `lease_expired`: the agent that had it is silent: it is tried again soon
 * - `retry_due`: an attempt failed, the next is due at a time
 * - `completed`, `expired`, `dead`, `discarded`: it has ended
 */
export type ExplanationReason =
  | 'not_found'
  | 'delayed'
  | 'in_outbox'
  | 'inbox_full'
  | 'inbox_missing'
  | 'no_recipient'
  | 'no_consumer'
  | 'paused'
  | 'queued'
  | 'no_handler'
  | 'claimed'
  | 'lease_expired'
  | 'retry_due'
  | 'completed'
  | 'expired'
  | 'dead'
  | 'discarded';

/** Why one message has, or has not, been handled at one consumer. */
export interface Explanation {
  /** Absent where no consumer is known to be owed it. */
  readonly consumer?: ConsumerName;
  readonly reason: ExplanationReason;
  /** One or two sentences for people, with the facts: since when, until when, by which agent, with which error. */
  readonly text: string;
  /** What the operator can do about it; absent where there is nothing to be done. */
  readonly advice?: string;
  readonly since?: Date;
  /** When it changes by itself: the end of a lease, the next attempt, the time to live. */
  readonly until?: Date;
  readonly agent?: string;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  /** Messages that wait in the consumer's queue at the broker. */
  readonly queueDepth?: number;
}
