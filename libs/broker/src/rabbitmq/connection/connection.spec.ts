import { expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { amqpUrl, TcpProxy, until } from '../../../../../test/support/index.js';
import { Blockage } from '../../server/blockage.js';
import { settingsOf } from '../options.js';
import { RabbitMqPublisher } from '../publish/publisher.js';
import { Connection } from './connection.js';

it('is closed for amqplib too, heartbeat and all, when the broker does not answer the close', async () => {
  const proxy = await TcpProxy.before(amqpUrl());
  try {
    const connection = new Connection(await connect(`${proxy.through(amqpUrl())}?heartbeat=60`), new Blockage());
    proxy.freeze();
    await connection.close();
    expect((await connection.gone).message).toBe('the connection to the broker was closed');
  } finally {
    await proxy.close();
  }
}, 10_000);

it('tells a publisher once that publications are taken again, however often its channel was opened', async () => {
  const given = new Set<() => void>();
  let opened = 0;
  const connection = {
    whenUnblocked: (call: () => void) => given.add(call),
    withChannel: () => Promise.reject(new Error('no channel')),
    model: { createConfirmChannel: () => Promise.reject(new Error('no channel')) },
  };
  const connections = {
    opened: () => {
      opened++;
      return Promise.resolve(connection);
    },
  };
  const settings = settingsOf({ url: 'amqp://a', reconnectMinMs: 1, reconnectMaxMs: 1 });
  const parts = [connections, {}, settings, { startOn: () => undefined }, {}, {}] as unknown;
  const { keeper } = new RabbitMqPublisher(...(parts as ConstructorParameters<typeof RabbitMqPublisher>));
  void keeper.start();
  await until('it was tried three times', () => opened >= 3);
  keeper.stop();
  expect(given.size).toBe(1);
});
