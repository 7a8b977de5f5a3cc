import type { Options } from 'amqplib';
import type { Inbox } from '../../broker.js';
import type { Topology } from '../../topology.js';
import type { RabbitMqSettings } from '../options.js';

/**
 * RabbitMQ 4 drops a message of a quorum queue after 20 redeliveries unless told otherwise. Each time that a consumer
 * dies or the store is away is one. A large limit, unlike "none", is accepted by every version.
 */
const DELIVERY_LIMIT = 1_000_000_000;

/**
 * How a lane of an inbox is declared: only what every version from 3.10 to 4.3 accepts on durable queues of either type.
 *
 * Not `x-dead-letter-strategy: at-least-once`: on RabbitMQ 3.10 one message with a malformed `x-death` header ends the
 * process that does it, for every queue of the node, also after a restart. Sent on at most once, only that message's
 * record is lost.
 */
export function inboxOptions(
  { kind }: Inbox['owner'],
  { deadLetters }: Topology,
  { queueType, maxQueueSize, agentInboxExpiresMs }: RabbitMqSettings,
): Options.AssertQueue {
  return {
    durable: true,
    maxLength: maxQueueSize,
    overflow: 'reject-publish',
    ...(kind === 'agent' ? { expires: agentInboxExpiresMs } : {}),
    arguments: { ...typeArguments(queueType), 'x-dead-letter-exchange': deadLetters },
  };
}

/** Of any length: what it refused would be lost. */
export const deadLetterOptions = ({ queueType }: RabbitMqSettings): Options.AssertQueue => ({
  durable: true,
  arguments: typeArguments(queueType),
});

/** The most that waits for a process that does not keep up; the oldest goes first. */
const MAX_UNHEARD = 10_000;

/**
 * A queue that lives no longer than its one consumer, or its connection. Classic whatever the virtual host's default:
 * nothing in it outlives anything.
 */
export const listeningOptions: Options.AssertQueue = {
  durable: false,
  exclusive: true,
  autoDelete: true,
  maxLength: MAX_UNHEARD,
  overflow: 'drop-head',
  arguments: { 'x-queue-type': 'classic' },
};

const typeArguments = (queueType: RabbitMqSettings['queueType']): Record<string, unknown> => ({
  'x-queue-type': queueType,
  ...(queueType === 'quorum' ? { 'x-delivery-limit': DELIVERY_LIMIT } : {}),
});
