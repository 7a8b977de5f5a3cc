import { expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { amqpUrl, TcpProxy } from '../../../../../test/support/index.js';
import { Blockage } from '../../server/blockage.js';
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
