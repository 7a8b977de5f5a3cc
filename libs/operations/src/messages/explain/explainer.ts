import type { ConsumerName, Store } from 'agentmq/message-store';
import type { MessageBus } from 'agentmq/messaging';
import { parseRecipient } from 'agentmq/protocol';
import { within } from 'agentmq/time';
import type { Explanation } from '../../views/messages.js';
import { openConsumers, explain, notFound } from './explain.js';
import type { Facts } from './facts.js';

export interface ExplainerOptions {
  /** How long an agent that counts as live may have been silent, in ms. */
  readonly liveMs: number;
  /** Without it, nothing is said of queues. */
  readonly bus?: Pick<MessageBus, 'waiting'>;
}

/** A message to more consumers than this is not worth a question to the broker for each. */
const MOST_QUEUES = 20;
const BROKER_MS = 2_000;

/** Tells why a message has, or has not, been handled. */
export class Explainer {
  constructor(
    private readonly store: Pick<Store, 'search' | 'agents' | 'pauses'>,
    private readonly options: ExplainerOptions,
  ) {}

  /** An explanation of each consumer that is owed the message; one at least. */
  async explain(messageId: string): Promise<Explanation[]> {
    const message = await this.store.search.facts(messageId);
    if (!message) return [notFound(messageId)];
    const [{ agents }, pauses, queues] = await Promise.all([
      this.store.agents.read(),
      this.store.pauses.list(),
      this.queuesOf(openConsumers(message)),
    ]);
    return explain({ message, agents, liveMs: this.options.liveMs, pauses, queues });
  }

  private async queuesOf(consumers: readonly ConsumerName[]): Promise<Facts['queues']> {
    const sizes = new Map<ConsumerName, number | undefined>();
    const { bus } = this.options;
    if (!bus) return sizes;
    const asked = consumers.slice(0, MOST_QUEUES).map(async (consumer) => {
      const owner = parseRecipient(consumer);
      if (!owner) return;
      try {
        sizes.set(consumer, await bus.waiting(owner));
      } catch {
        // It is away: the answer is given without it.
      }
    });
    await within(BROKER_MS, Promise.all(asked));
    return new Map(sizes);
  }
}
