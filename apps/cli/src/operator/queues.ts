import type { AgentSettings } from 'agentmq/agent';
import { type Inbox, type QueueState, RabbitMqQueues } from 'agentmq/broker';
import { parseRecipient } from 'agentmq/protocol';
import type { Store } from 'agentmq/message-store';
import { print, printJson } from '../output.js';
import { UsageError } from './errors.js';
import { withStore } from './with-store.js';

export interface QueuesOptions {
  readonly json: boolean;
}

/** Lists queues as they exist, and the arguments in which they differ from the settings. */
export function listQueues(consumers: readonly string[], { json }: QueuesOptions): Promise<void> {
  return withQueues(consumers, async (queues, inboxes) => {
    const states = await queues.list(inboxes);
    if (json) printJson(states);
    else print(...states.map(lineOf));
  });
}

/** Makes the queues anew whose arguments differ from the settings, and says which. */
export function migrateQueues(consumers: readonly string[]): Promise<void> {
  return withQueues(consumers, async (queues, inboxes) => {
    let count = 0;
    await queues.migrate(inboxes, ({ queue, moved, overtaken }) => {
      count++;
      const warning = overtaken
        ? ': a running agent has declared it again with other settings; restart the agents with these, then run this again'
        : '';
      print(`${queue}: made anew, ${moved} messages moved${warning}`);
    });
    print(count === 0 ? 'every queue is as the settings want it' : `${count} queues made anew`);
  });
}

function withQueues(
  consumers: readonly string[],
  work: (queues: RabbitMqQueues, inboxes: readonly Inbox[]) => Promise<void>,
): Promise<void> {
  return withStore(async (store, { bus, namespace }: AgentSettings) => {
    if (bus.type !== 'rabbitmq')
      throw new UsageError(
        `MESSAGE_BUS_TYPE: is ${bus.type}; only RabbitMQ's queues have arguments of their own, which may differ from the settings`,
      );
    const { queueType, maxQueueSize } = bus;
    const queues = new RabbitMqQueues({ url: bus.urls, namespace, queueType, maxQueueSize });
    await queues.open();
    try {
      await work(queues, await inboxesOf(store, consumers));
    } finally {
      await queues.close();
    }
  });
}

/** The inboxes of these consumers, or of all that are known, with what they are subscribed to. */
async function inboxesOf(store: Store, consumers: readonly string[]): Promise<Inbox[]> {
  const subscribed = (await store.subscriptions.list()).filter(({ pattern, endedAt }) => pattern !== '' && !endedAt);
  const names = new Set(consumers);
  if (names.size === 0) {
    const { agents } = await store.agents.read();
    for (const { id, role } of agents) names.add(`role.${role}`).add(`agent.${id}`);
    for (const { consumer } of subscribed) names.add(consumer);
  }
  return [...names].sort().flatMap((name) => {
    const owner = parseRecipient(name);
    if (owner?.kind !== 'role' && owner?.kind !== 'agent') return [];
    const topics = subscribed.filter(({ consumer }) => consumer === name).map(({ pattern }) => pattern);
    return [{ owner: { kind: owner.kind, name: owner.name }, topics }];
  });
}

function lineOf({ queue, messages, consumers, aside, differences }: QueueState): string {
  const state = differences.map(
    ({ argument, wanted = 'none', found = 'none' }) => `${argument} ${found}, not ${wanted}`,
  );
  if (aside !== undefined) state.push(`${aside} messages set aside by a migration that was interrupted`);
  return `${queue}: ${messages} messages, ${consumers} consumers${state.length > 0 ? `; ${state.join(', ')}` : ''}`;
}
