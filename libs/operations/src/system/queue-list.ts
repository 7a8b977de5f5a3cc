import type { AgentSettings } from 'agentmq/agent';
import { type Inbox, type QueueState, RabbitMqQueues } from 'agentmq/broker';
import type { Store } from 'agentmq/message-store';
import { parseRecipient } from 'agentmq/protocol';
import { SharedRead } from 'agentmq/telemetry';
import { consumersOf } from '../consumers.js';
import { NoQueuesError } from '../errors.js';
import type { Page, PageQuery } from '../views/page.js';
import { pageOf } from '../views/page-of.js';

/** Each reading is a connection of its own to the broker. */
const EVERY_MS = 5_000;
const PATIENCE_MS = 10_000;

/** The queues as they exist at RabbitMQ, and in which arguments they differ from the settings. */
export class QueueList {
  private readonly states: SharedRead<QueueState[]>;

  constructor(
    store: Pick<Store, 'agents' | 'subscriptions'>,
    private readonly settings: Pick<AgentSettings, 'bus' | 'namespace'>,
  ) {
    this.states = new SharedRead(
      async () => withQueues(settings, async (queues) => queues.list(await inboxesOf(store, []))),
      { everyMs: EVERY_MS, patienceMs: PATIENCE_MS },
    );
  }

  /** By name. Rejects with {@link NoQueuesError} where the broker is another, with `BrokerUnavailableError`, and as the store does. */
  async list(query: PageQuery = {}): Promise<Page<QueueState>> {
    if (this.settings.bus.type !== 'rabbitmq') throw new NoQueuesError(this.settings.bus.type);
    return pageOf(await this.states.get(), ({ queue }) => queue, query);
  }
}

/** Connects to RabbitMQ for the time of `work`. Rejects with {@link NoQueuesError}, `BrokerUnavailableError`, and as `work` does. */
export async function withQueues<T>(
  { bus, namespace }: Pick<AgentSettings, 'bus' | 'namespace'>,
  work: (queues: RabbitMqQueues) => Promise<T>,
): Promise<T> {
  const { type, urls, queueType, maxQueueSize } = bus;
  if (type !== 'rabbitmq') throw new NoQueuesError(type);
  const queues = new RabbitMqQueues({ url: urls, namespace, queueType, maxQueueSize });
  await queues.open();
  try {
    return await work(queues);
  } finally {
    await queues.close();
  }
}

/** The inboxes of these consumers, or (of none) of all that are known, with what they are subscribed to. */
export async function inboxesOf(
  store: Pick<Store, 'agents' | 'subscriptions'>,
  consumers: readonly string[],
): Promise<Inbox[]> {
  const subscribed = (await store.subscriptions.list()).filter(({ pattern, endedAt }) => pattern !== '' && !endedAt);
  const names = new Set(consumers);
  if (names.size === 0) {
    const { agents } = await store.agents.read();
    for (const name of agents.flatMap(consumersOf)) names.add(name);
    for (const { consumer } of subscribed) names.add(consumer);
  }
  return [...names].sort().flatMap((name) => {
    const owner = parseRecipient(name);
    if (owner?.kind !== 'role' && owner?.kind !== 'agent') return [];
    const topics = subscribed.filter(({ consumer }) => consumer === name).map(({ pattern }) => pattern);
    return [{ owner: { kind: owner.kind, name: owner.name }, topics }];
  });
}
