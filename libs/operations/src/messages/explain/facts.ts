import type { AgentRecord, ConsumerName, MessageFacts } from 'agentmq/message-store';
import type { Pause } from '../../views/system.js';

/** All that {@link explain} goes by. */
export interface Facts {
  readonly message: MessageFacts;
  /** Those on record, the silent and the stopped included. */
  readonly agents: readonly AgentRecord[];
  /** How long an agent that counts as live may have been silent, in ms. */
  readonly liveMs: number;
  /** Of consumers and agents. */
  readonly pauses: readonly Pick<Pause, 'target' | 'since' | 'by' | 'reason'>[];
  /** How many messages wait in a consumer's queue, undefined where there is none; without an entry the broker was not asked. */
  readonly queues: ReadonlyMap<ConsumerName, number | undefined>;
}
