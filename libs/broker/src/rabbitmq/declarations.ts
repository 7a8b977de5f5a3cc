import type { Channel, Options } from 'amqplib';
import type { Inbox } from '../broker.js';
import { TopologyError } from '../errors.js';
import type { Lane } from '../lanes.js';
import type { Topology } from '../topology.js';
import type { Connection } from './connection.js';
import type { RabbitMqSettings } from './options.js';

/**
 * RabbitMQ 4 drops a message of a quorum queue after 20 redeliveries unless told otherwise. Each time that a consumer
 * dies or the store is away is one. A large limit, unlike "none", is accepted by every version.
 */
const DELIVERY_LIMIT = 1_000_000_000;

/** Declares the namespace's exchanges. Throws `TopologyError` when one exists as something else. */
export async function declareExchanges(channel: Channel, topology: Topology): Promise<void> {
  for (const { name, type } of topology.exchanges()) {
    await declaring(name, channel.assertExchange(name, type, { durable: true }));
  }
}

/** Declares the exchange and the queue that take what RabbitMQ drops from an inbox. Throws `TopologyError`. */
export async function declareDeadLetters(
  channel: Channel,
  { deadLetters }: Topology,
  { queueType }: RabbitMqSettings,
): Promise<void> {
  await declaring(deadLetters, channel.assertExchange(deadLetters, 'fanout', { durable: true }));
  // Of any length: what it refused would be lost, or would stay in the inbox that it came from.
  const options = { durable: true, arguments: typeArguments(queueType) };
  await declaring(deadLetters, channel.assertQueue(deadLetters, options));
  await channel.bindQueue(deadLetters, deadLetters, '');
}

/**
 * The same for those who need them only as the place where their own queue's dead letters go: a classic queue of them on
 * a node that is down does not keep inboxes on other nodes from being read.
 */
export async function provideDeadLetters(
  connection: Connection,
  topology: Topology,
  settings: RabbitMqSettings,
): Promise<void> {
  try {
    await connection.withChannel((channel) => declareDeadLetters(channel, topology, settings));
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    if (code !== NOT_FOUND || !/home node .* is down or inaccessible/.test(message)) throw error;
  }
}

/**
 * Whether all of these queues exist. Throws when the connection is lost. One that can't be asked about (locked, on a
 * node that is down) counts as existing: its declaration will tell.
 */
export async function queuesExist(connection: Connection, queues: readonly string[]): Promise<boolean> {
  try {
    await connection.withChannel(async (channel) => {
      for (const queue of queues) await channel.checkQueue(queue);
    });
    return true;
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    if (code === NOT_FOUND) return !/NOT_FOUND - no queue /.test(message);
    if (typeof code === 'number') return true;
    throw error;
  }
}

/**
 * Declares one lane of an inbox, binds it and unbinds what was dropped, and resolves with its queue. Throws `TopologyError`
 * when it exists as something else.
 */
export async function declareLane(
  channel: Channel,
  topology: Topology,
  inbox: Inbox,
  lane: Lane,
  settings: RabbitMqSettings,
): Promise<string> {
  const queue = topology.queue(inbox.owner, lane);
  await declaring(queue, channel.assertQueue(queue, queueOptions(inbox, topology, settings)));
  for (const { exchange, routingKey } of topology.bindings(inbox, lane)) {
    await channel.bindQueue(queue, exchange, routingKey);
  }
  // RabbitMQ has no objection when there is no such binding.
  for (const { exchange, routingKey } of topology.droppedBindings(inbox, lane)) {
    await channel.unbindQueue(queue, exchange, routingKey);
  }
  return queue;
}

/** The most that waits for a process that does not keep up; the oldest goes first. */
const MAX_UNHEARD = 10_000;

/**
 * Declares a queue that lives no longer than its one consumer, or its connection. Classic whatever the virtual host's
 * default: nothing in it outlives anything. Throws `TopologyError`.
 */
export async function declareListening(channel: Channel, queue: string): Promise<void> {
  const options: Options.AssertQueue = {
    durable: false,
    exclusive: true,
    autoDelete: true,
    maxLength: MAX_UNHEARD,
    overflow: 'drop-head',
    arguments: typeArguments('classic'),
  };
  await declaring(queue, channel.assertQueue(queue, options));
}

/** Only what every version from 3.10 to 4.3 accepts on durable queues of either type. */
function queueOptions(
  { owner }: Inbox,
  { deadLetters }: Topology,
  { queueType, maxQueueSize, agentInboxExpiresMs }: RabbitMqSettings,
): Options.AssertQueue {
  return {
    durable: true,
    maxLength: maxQueueSize,
    overflow: 'reject-publish',
    ...(owner.kind === 'agent' ? { expires: agentInboxExpiresMs } : {}),
    arguments: {
      ...typeArguments(queueType),
      'x-dead-letter-exchange': deadLetters,
      // Kept in the inbox until the queue of dead letters has confirmed it. By default, as on a classic queue always,
      // it is sent on once, and lost if that fails. Needs overflow reject-publish.
      ...(queueType === 'quorum' ? { 'x-dead-letter-strategy': 'at-least-once' } : {}),
    },
  };
}

const typeArguments = (queueType: RabbitMqSettings['queueType']): Record<string, unknown> => ({
  'x-queue-type': queueType,
  ...(queueType === 'quorum' ? { 'x-delivery-limit': DELIVERY_LIMIT } : {}),
});

const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;
const RESOURCE_LOCKED = 405;
const PRECONDITION_FAILED = 406;

async function declaring(name: string, declaration: Promise<unknown>): Promise<void> {
  try {
    await declaration;
  } catch (error) {
    throw topologyErrorOf(name, error as Error) ?? error;
  }
}

/** What a refused declaration means; undefined when the channel was lost for another reason. */
export function topologyErrorOf(name: string, error: Error & { code?: unknown }): TopologyError | undefined {
  if (error.code !== ACCESS_REFUSED && error.code !== RESOURCE_LOCKED && error.code !== PRECONDITION_FAILED)
    return undefined;
  // PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the value '5' of type …
  const [, argument, difference] = /inequivalent arg '([^']+)'.* in vhost '.*?': (.+?)"?$/s.exec(error.message) ?? [];
  if (argument === undefined || difference === undefined)
    return new TopologyError(name, error.message, undefined, { cause: error });
  return new TopologyError(name, `it exists with another ${argument}: ${difference}`, argument, { cause: error });
}
