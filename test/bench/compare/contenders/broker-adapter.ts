import { type Broker, type Incoming, RabbitMqBroker, RedisBroker } from 'agentmq/broker';
import { type Message, newMessageId, toRole, toWire, type WireMessage } from 'agentmq/protocol';
import { busOf } from '../../../support/index.js';
import type { Ends, Payload, Surroundings } from '../contender.js';

const OWNER = { ...toRole('bench'), kind: 'role' } as const;

export const onRabbitMq = endsOf('rabbitmq', ({ namespace, servers }) => {
  return new RabbitMqBroker({ url: servers.amqp, namespace, start: 'fail' });
});
export const onRedis = endsOf('redis', ({ namespace, servers }) => {
  return new RedisBroker({ url: servers.redis, namespace, start: 'fail' });
});

/** AgentMQ's transport without what is above it: nothing is validated or stored. */
function endsOf(bus: 'rabbitmq' | 'redis', make: (surroundings: Surroundings) => Broker): Ends {
  return {
    async receive(surroundings) {
      const { namespace, servers, prefetch, concurrency, handled } = surroundings;
      const broker = make(surroundings);
      await broker.start();
      await broker.consume(
        { owner: OWNER, topics: [] },
        { prefetch: Math.min(prefetch, concurrency) },
        async (message) => {
          const { body, properties }: Incoming = message;
          const { replyTo, correlationId = '' } = properties;
          const value = JSON.parse(body.toString()) as Payload;
          if (!replyTo) return handled(value);
          const answer = wire(value);
          await broker.reply(replyTo, { ...answer, properties: { ...answer.properties, correlationId } });
        },
      );
      return {
        async close() {
          await broker.deleteInbox(OWNER);
          await broker.close();
          await busOf(bus).clear(bus === 'redis' ? servers.redis : servers.amqp, namespace, []);
        },
      };
    },
    async send(surroundings) {
      const broker = make(surroundings);
      await broker.start();
      const addressed = { recipient: OWNER, mandatory: true };
      return {
        send: (payload) => broker.publish({ ...wire(payload), ...addressed, persistent: true }),
        async request(payload) {
          const request = { ...wire(payload), ...addressed, persistent: false };
          return JSON.parse((await broker.request(request, { timeoutMs: 10_000 })).body.toString()) as unknown;
        },
        close: () => broker.close(),
      };
    },
  };
}

const wire = (payload: Payload): WireMessage => toWire(messageOf(payload));

const messageOf = (payload: Payload): Message => ({
  messageId: newMessageId(),
  sender: 'bench',
  recipient: OWNER,
  timestamp: new Date(),
  type: 'bench',
  version: 1,
  priority: 5,
  attempt: 1,
  contentType: 'application/json',
  body: Buffer.from(JSON.stringify(payload)),
});
