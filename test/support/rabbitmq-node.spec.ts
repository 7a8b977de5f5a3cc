import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { RabbitMqNode } from './rabbitmq-node.js';
import { until } from './wait.js';

describe('RabbitMqNode', () => {
  let node: RabbitMqNode;

  beforeAll(async () => {
    node = await RabbitMqNode.start();
  }, 90_000);

  afterAll(() => node?.stop());

  const messagesIn = async (queue: string): Promise<number | undefined> => {
    const connection = await connect(node.url);
    connection.on('error', () => undefined);
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    const count = await channel.checkQueue(queue).then(
      (ok) => ok.messageCount,
      () => undefined,
    );
    await connection.close();
    return count;
  };

  it('keeps a confirmed message when it is killed, and loses it when it is wiped', async () => {
    const connection = await connect(node.url);
    const channel = await connection.createConfirmChannel();
    // not a quorum queue: RabbitMQ does not bring one back that is killed within a second of its declaration
    await channel.assertQueue('kept', { durable: true });
    channel.sendToQueue('kept', Buffer.from('1'), { persistent: true });
    await channel.waitForConfirms();
    connection.on('error', () => undefined);

    await node.kill();
    await expect(connect(node.url)).rejects.toThrow('ECONNREFUSED');
    await node.up();
    // a node that has just started may not have all its queues yet
    await until('the message', async () => (await messagesIn('kept')) === 1);
    expect(await node.ctl('list_queues', 'name', 'messages')).toContain('kept\t1');

    await node.wipe();
    await node.up();
    expect(await messagesIn('kept')).toBeUndefined();
  }, 180_000);

  it('waits for its port when something else has taken it while it was down', async () => {
    await node.kill();
    const squatter = createServer((socket) => socket.destroy()).listen(Number(new URL(node.url).port), '127.0.0.1');
    await once(squatter, 'listening');
    const logged = node.log();
    const up = node.up();
    await until('a start that failed', () => node.log() !== logged && node.log().includes('eaddrinuse'), 30_000);
    squatter.close();
    await up;
    await (await connect(node.url)).close();
  }, 120_000);
});
