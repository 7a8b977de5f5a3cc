import { type ConsumeMessage, connect } from 'amqplib';
import { amqpUrl } from '../../support/index.js';
import type { Contender, Payload, Subject, Surroundings } from '../contender.js';

const REPLY_TO = 'amq.rabbitmq.reply-to';

/** The least that a program can do by hand for the same safety on the wire. What all others are compared to. */
export const rawAmqplib: Contender = {
  id: 'raw',
  title: 'amqplib by hand: quorum queue, confirms, acks',
  open,
};

async function open({ namespace, prefetch, handled }: Surroundings): Promise<Subject> {
  const queue = `${namespace}.raw`;
  const sender = await connect(amqpUrl(), { noDelay: true });
  const receiver = await connect(amqpUrl(), { noDelay: true });
  const out = await sender.createConfirmChannel();
  const inward = await receiver.createChannel();
  await inward.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await inward.prefetch(prefetch);
  await inward.consume(queue, (message) => {
    if (!message) return;
    const value = parse(message);
    const { replyTo, correlationId } = message.properties as { replyTo?: string; correlationId?: string };
    if (replyTo) inward.sendToQueue(replyTo, toBuffer(value), { correlationId });
    else handled();
    inward.ack(message);
  });

  const waiting = new Map<string, (answer: unknown) => void>();
  await out.consume(
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
      new Promise((resolve, reject) => {
        const confirmed = (error: unknown): void => (error ? reject(error) : resolve());
        out.publish('', queue, toBuffer(payload), { persistent: true, contentType: 'application/json' }, confirmed);
      }),
    request: (payload) =>
      new Promise((resolve) => {
        const correlationId = String(requests++);
        waiting.set(correlationId, resolve);
        out.publish('', queue, toBuffer(payload), { correlationId, replyTo: REPLY_TO });
      }),
    async close() {
      await inward.deleteQueue(queue);
      await sender.close();
      await receiver.close();
    },
  };
}

const toBuffer = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const parse = (message: ConsumeMessage): Payload => JSON.parse(message.content.toString()) as Payload;
