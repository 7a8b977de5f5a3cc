import { type Channel, type ChannelModel, connect } from 'amqplib';
import { RabbitMqNode } from '../rabbitmq-node.js';
import { amqpUrl } from '../services.js';
import type { Bus, InboxAt } from './bus.js';

const queueOf = ({ namespace, consumer }: InboxAt): string => `${namespace}.${consumer}`;

export const rabbitMq: Bus = {
  name: 'rabbitmq',
  sharedUrl: amqpUrl,
  start: ({ maxMessageBytes } = {}) =>
    RabbitMqNode.start(maxMessageBytes === undefined ? {} : { config: [`max_message_size = ${maxMessageBytes}`] }),
  environment: (url, quick = false) => ({
    MESSAGE_BUS_TYPE: 'rabbitmq',
    AMQP_URL: quick ? `${url}?heartbeat=1` : url,
  }),
  waiting: (inbox) =>
    withChannel(inbox.url, async (channel) => {
      channel.on('error', () => undefined);
      try {
        return (await channel.checkQueue(queueOf(inbox))).messageCount;
      } catch (error) {
        if ((error as { code?: unknown }).code === 404) return 0;
        throw error;
      }
    }),
  lose: (inbox, how) =>
    withChannel(inbox.url, async (channel) => {
      const queue = queueOf(inbox);
      return (how === 'purge' ? await channel.purgeQueue(queue) : await channel.deleteQueue(queue)).messageCount;
    }),
  async occupy(inbox) {
    const connection = await connectToAny(inbox.url.split(','));
    const channel = await connection.createChannel();
    const queue = queueOf(inbox);
    // At once, so that no reader comes between them. It goes with its connection.
    await Promise.all([channel.deleteQueue(queue), channel.assertQueue(queue, { exclusive: true, durable: false })]);
    return () => connection.close();
  },
  async unbind({ url, namespace }) {
    const exchange = `${namespace}.topic`;
    await withChannel(url, (channel) =>
      Promise.all([channel.deleteExchange(exchange), channel.assertExchange(exchange, 'direct', { durable: true })]),
    );
    return () => withChannel(url, (channel) => channel.deleteExchange(exchange)).then(() => undefined);
  },
  clear: (url, namespace, consumers) =>
    withChannel(url, async (channel) => {
      for (const lane of ['', '.high']) {
        for (const consumer of consumers) await channel.deleteQueue(`${namespace}.${consumer}${lane}`);
        for (const exchange of ['direct', 'topic', 'broadcast'])
          await channel.deleteExchange(`${namespace}.${exchange}${lane}`);
      }
      await channel.deleteQueue(`${namespace}.dead-letter`);
      await channel.deleteExchange(`${namespace}.dead-letter`);
    }),
};

/** A channel of the suite's own, at the first node that answers. */
async function withChannel<T>(url: string, work: (channel: Channel) => Promise<T>): Promise<T> {
  const connection = await connectToAny(url.split(','));
  connection.on('error', () => undefined);
  try {
    return await work(await connection.createChannel());
  } finally {
    await connection.close().catch(() => undefined);
  }
}

async function connectToAny(urls: readonly string[]): Promise<ChannelModel> {
  const failures: unknown[] = [];
  for (const url of urls) {
    try {
      return await connect(url);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, 'RabbitMQ does not answer');
}
