import { connect } from 'amqplib';
import { type Incoming, RabbitMqBroker } from 'agentmq/broker';
import { type Message, newMessageId, toRole, toWire, type WireMessage } from 'agentmq/protocol';
import { amqpUrl } from '../../support/index.js';
import type { Contender, Payload, Subject, Surroundings } from '../contender.js';

/** AgentMQ's transport without what is above it: nothing is validated or stored. */
export const brokerAdapter: Contender = {
  id: 'broker',
  title: "AgentMQ's broker adapter alone: quorum, confirms, acks",
  open,
};

async function open({ namespace, prefetch, handled }: Surroundings): Promise<Subject> {
  const names = `${namespace}_broker`;
  const broker = new RabbitMqBroker({ url: amqpUrl(), namespace: names, start: 'fail' });
  const owner = { ...toRole('bench'), kind: 'role' } as const;
  const wire = (payload: Payload): WireMessage => toWire(messageOf(payload));
  const receive = async ({ body, properties: { replyTo, correlationId = '' } }: Incoming): Promise<void> => {
    const value = JSON.parse(body.toString()) as Payload;
    if (!replyTo) return handled();
    const answer = wire(value);
    await broker.reply(replyTo, { ...answer, properties: { ...answer.properties, correlationId } });
  };
  await broker.start();
  await broker.consume({ owner, topics: [] }, { prefetch }, receive);
  const addressed = { recipient: owner, mandatory: true };
  return {
    send: (payload) => broker.publish({ ...wire(payload), ...addressed, persistent: true }),
    async request(payload) {
      const answer = await broker.request({ ...wire(payload), ...addressed, persistent: false }, { timeoutMs: 10_000 });
      return JSON.parse(answer.body.toString()) as unknown;
    },
    async close() {
      await broker.deleteInbox(owner);
      await broker.close();
      await deleteExchanges(names);
    },
  };
}

const messageOf = (payload: Payload): Message => ({
  messageId: newMessageId(),
  sender: 'bench',
  recipient: toRole('bench'),
  timestamp: new Date(),
  type: 'bench',
  version: 1,
  priority: 5,
  attempt: 1,
  contentType: 'application/json',
  body: Buffer.from(JSON.stringify(payload)),
});

async function deleteExchanges(namespace: string): Promise<void> {
  const connection = await connect(amqpUrl());
  const channel = await connection.createChannel();
  for (const lane of ['', '.high'])
    for (const exchange of ['direct', 'topic', 'broadcast'])
      await channel.deleteExchange(`${namespace}.${exchange}${lane}`);
  await channel.deleteQueue(`${namespace}.dead-letter`);
  await channel.deleteExchange(`${namespace}.dead-letter`);
  await connection.close();
}
