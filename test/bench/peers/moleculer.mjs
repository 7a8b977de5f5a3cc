import { connect } from 'amqplib';
import { ServiceBroker } from 'moleculer';

const PACKETS = ['REQ', 'RES', 'EVENT'];
const EXCHANGES = ['DISCOVER', 'INFO', 'DISCONNECT', 'HEARTBEAT', 'PING'];

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function receive(surroundings) {
  const { namespace, servers, handled } = surroundings;
  const broker = brokerOf('receiver', surroundings);
  broker.createService({
    name: 'receiver',
    actions: { answer: ({ params }) => params },
    events: { take: ({ params }) => handled(params) },
  });
  await broker.start();
  return {
    async close() {
      await broker.stop();
      const connection = await connect(servers.amqp);
      const channel = await connection.createChannel();
      for (const packet of PACKETS)
        for (const node of ['sender', 'receiver']) await channel.deleteQueue(`MOL-${namespace}.${packet}.${node}`);
      for (const exchange of EXCHANGES) await channel.deleteExchange(`MOL-${namespace}.${exchange}`);
      await connection.close();
    },
  };
}

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function send(surroundings) {
  const broker = brokerOf('sender', surroundings);
  await broker.start();
  await broker.waitForServices('receiver');
  return {
    send: (payload) => broker.emit('take', payload),
    request: (payload) => broker.call('receiver.answer', payload),
    close: () => broker.stop(),
  };
}

const brokerOf = (nodeID, { namespace, servers, prefetch }) =>
  new ServiceBroker({
    namespace,
    nodeID,
    logger: false,
    transporter: { type: 'AMQP', options: { url: servers.amqp, socketOptions: { noDelay: true }, prefetch } },
  });
