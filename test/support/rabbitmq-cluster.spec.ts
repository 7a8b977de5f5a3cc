import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { once } from 'node:events';
import { RabbitMqCluster } from './rabbitmq-cluster.js';
import type { RabbitMqNode } from './rabbitmq-node.js';
import { until } from './wait.js';

describe('RabbitMqCluster', () => {
  let cluster: RabbitMqCluster;

  beforeAll(async () => {
    cluster = await RabbitMqCluster.start(3);
  }, 120_000);

  afterAll(() => cluster?.stop());

  const open = async (node: RabbitMqNode): Promise<[ConfirmChannel, ChannelModel]> => {
    const connection = await connect(node.url);
    connection.on('error', () => undefined);
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    return [channel, connection];
  };

  /** Declares a quorum queue, and resolves with its leader once all three nodes take part. */
  const declare = async (queue: string): Promise<RabbitMqNode> => {
    const [channel, connection] = await open(cluster.nodes[0] as RabbitMqNode);
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await connection.close();
    const { leader = '', members } = await cluster.untilPlaced(queue);
    expect([...members].sort()).toEqual(cluster.nodes.map(({ name }) => name).sort());
    return cluster.node(leader);
  };

  const publish = async (node: RabbitMqNode, queue: string): Promise<void> => {
    const [channel, connection] = await open(node);
    channel.sendToQueue(queue, Buffer.from('x'), { persistent: true });
    await channel.waitForConfirms();
    await connection.close();
  };

  const messagesIn = async (node: RabbitMqNode, queue: string): Promise<number> => {
    const [channel, connection] = await open(node);
    const { messageCount } = await channel.checkQueue(queue);
    await connection.close();
    return messageCount;
  };

  it('keeps a quorum queue when the node that leads it is killed, and takes the node back', async () => {
    const leader = await declare('killed');
    await publish(leader, 'killed');
    await leader.kill();
    const [witness] = cluster.othersOf(leader) as [RabbitMqNode];
    const { leader: next } = await cluster.untilPlaced('killed', 2, witness);
    expect(next).not.toBe(leader.name);
    await publish(witness, 'killed');
    await leader.up();
    await cluster.untilPlaced('killed', 3, witness);
    await until('both messages', async () => (await messagesIn(leader, 'killed')) === 2);
  }, 120_000);

  it('pauses a node that is cut off, while the others go on, and takes it back', async () => {
    const node = await declare('partitioned');
    await publish(node, 'partitioned');
    const [, connection] = await open(node);
    const closed = once(connection, 'close');
    await cluster.isolate(node);
    await closed;
    await expect(connect(node.url)).rejects.toThrow();
    const [witness] = cluster.othersOf(node) as [RabbitMqNode];
    await cluster.untilPlaced('partitioned', 2, witness);
    await publish(witness, 'partitioned');
    await cluster.heal(node);
    await cluster.untilPlaced('partitioned', 3, node);
    await until('both messages', async () => (await messagesIn(node, 'partitioned')) === 2);
  }, 120_000);
});
