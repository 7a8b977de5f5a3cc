import type { Channel, ConsumeMessage } from 'amqplib';
import type { WireMessage } from 'agentmq/contracts';
import type { DeadLettered, Inbox, Incoming } from '../broker.js';
import { LANES, splitPrefetch } from '../lanes.js';
import type { Topology } from '../topology.js';
import type { Connection } from './connection.js';
import { readDeadLetter } from './dead-letters.js';
import { declareDeadLetters, declareLane, provideDeadLetters } from './declarations.js';
import type { RabbitMqSettings } from './options.js';
import { fromAmqp } from './properties.js';

/** What a consumer reads, and how. */
export interface ConsumePlan<M extends WireMessage> {
  /** Subscribed to in this order. */
  readonly queues: readonly { readonly name: string; readonly prefetch: number }[];
  /** Makes the queues exist, on a channel of this connection. Throws `TopologyError`. */
  declare(channel: Channel, connection: Connection): Promise<void>;
  /** Must not throw. */
  read(message: ConsumeMessage): M;
}

/** Both lanes of an inbox. Throws `InvalidMessageError` for a name that an inbox can't have. */
export function inboxPlan(
  inbox: Inbox,
  prefetch: number,
  topology: Topology,
  settings: RabbitMqSettings,
): ConsumePlan<Incoming> {
  const { owner, topics } = inbox;
  let toDeclare = inbox;
  const share = splitPrefetch(prefetch);
  return {
    queues: LANES.map((lane) => ({ name: topology.queue(owner, lane), prefetch: share[lane] })),
    async declare(channel, connection) {
      // First, so that nothing that expires in the inbox has nowhere to go.
      await provideDeadLetters(connection, topology, settings);
      for (const lane of LANES) await declareLane(channel, topology, toDeclare, lane, settings);
      // What was dropped is unbound by now; whoever has bound it since is not to lose it when we come back.
      toDeclare = { owner, topics };
    },
    read(message) {
      const { exchange, routingKey, redelivered } = message.fields;
      const { properties, body } = fromAmqp(message);
      return { properties, body, recipient: topology.recipientOf(exchange, routingKey, owner), redelivered };
    },
  };
}

/** The namespace's queue of dead letters. */
export function deadLetterPlan(
  prefetch: number,
  topology: Topology,
  settings: RabbitMqSettings,
): ConsumePlan<DeadLettered> {
  return {
    queues: [{ name: topology.deadLetters, prefetch }],
    declare: (channel) => declareDeadLetters(channel, topology, settings),
    read: (message) => readDeadLetter(message, topology),
  };
}
