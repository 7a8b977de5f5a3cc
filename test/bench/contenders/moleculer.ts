import { connect } from 'amqplib';
import { type BrokerOptions, type Context, ServiceBroker } from 'moleculer';
import { amqpUrl } from '../../support/index.js';
import type { Contender, Payload, Subject, Surroundings } from '../contender.js';

export const moleculer: Contender = {
  id: 'moleculer',
  title: 'Moleculer over AMQP: classic queues, no confirms, nothing stored',
  open,
};

const PACKETS = ['REQ', 'RES', 'EVENT'];
const EXCHANGES = ['DISCOVER', 'INFO', 'DISCONNECT', 'HEARTBEAT', 'PING'];

async function open({ namespace, prefetch, handled }: Surroundings): Promise<Subject> {
  const options = (nodeID: string): BrokerOptions => ({
    namespace,
    nodeID,
    logger: false,
    transporter: { type: 'AMQP', options: { url: amqpUrl(), socketOptions: { noDelay: true }, prefetch } },
  });
  const receiver = new ServiceBroker(options('receiver'));
  const sender = new ServiceBroker(options('sender'));
  receiver.createService({
    name: 'receiver',
    actions: { answer: ({ params }: Context<Payload>) => params },
    events: { take: () => handled() },
  });
  await receiver.start();
  await sender.start();
  await sender.waitForServices('receiver');

  return {
    send: (payload) => sender.emit('take', payload),
    request: (payload) => sender.call('receiver.answer', payload),
    async close() {
      await sender.stop();
      await receiver.stop();
      const connection = await connect(amqpUrl());
      const channel = await connection.createChannel();
      for (const packet of PACKETS)
        for (const node of ['sender', 'receiver']) await channel.deleteQueue(`MOL-${namespace}.${packet}.${node}`);
      for (const exchange of EXCHANGES) await channel.deleteExchange(`MOL-${namespace}.${exchange}`);
      await connection.close();
    },
  };
}
