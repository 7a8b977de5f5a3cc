import { type ConsumeMessage, connect } from 'amqplib';
import type { Payload, Receiving, Sending, Surroundings } from '../contender.js';

const REPLY_TO = 'amq.rabbitmq.reply-to';
const queueOf = ({ namespace }: Surroundings): string => `${namespace}.raw`;

/** The least that a program can do by hand for the same safety on the wire. What all others are compared to. */
export async function receive(surroundings: Surroundings): Promise<Receiving> {
  const { servers, prefetch, handled } = surroundings;
  const queue = queueOf(surroundings);
  const connection = await connect(servers.amqp, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.prefetch(prefetch);
  await channel.consume(queue, (message) => {
    if (!message) return;
    const value = parse(message);
    const { replyTo, correlationId } = message.properties as { replyTo?: string; correlationId?: string };
    if (replyTo) channel.sendToQueue(replyTo, toBuffer(value), { correlationId });
    else void handled(value);
    channel.ack(message);
  });
  return {
    async close() {
      await channel.deleteQueue(queue);
      await connection.close();
    },
  };
}

export async function send(surroundings: Surroundings): Promise<Sending> {
  const queue = queueOf(surroundings);
  const connection = await connect(surroundings.servers.amqp, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const waiting = new Map<string, (answer: unknown) => void>();
  await channel.consume(
    REPLY_TO,
    (message) => {
      const id = (message?.properties as { correlationId?: string } | undefined)?.correlationId ?? '';
      if (message) waiting.get(id)?.(parse(message));
      waiting.delete(id);
    },
    { noAck: true },
  );
  let requests = 0;
  return {
    send: (payload) =>
      new Promise<void>((resolve, reject) => {
        const confirmed = (error: unknown): void => (error ? reject(error) : resolve());
        channel.publish('', queue, toBuffer(payload), { persistent: true, contentType: 'application/json' }, confirmed);
      }),
    request: (payload) =>
      new Promise((resolve) => {
        const correlationId = String(requests++);
        waiting.set(correlationId, resolve);
        channel.publish('', queue, toBuffer(payload), { correlationId, replyTo: REPLY_TO });
      }),
    close: () => connection.close(),
  };
}

const toBuffer = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const parse = (message: ConsumeMessage): Payload => JSON.parse(message.content.toString()) as Payload;
