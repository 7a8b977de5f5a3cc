import { expect, it } from '@jest/globals';
import { TopologyError } from 'agentmq/broker';
import { amqpUrl, randomNamespace, until } from '../../support/index.js';
import { collect, everyone, message, newAgent, newRole, textOf } from './messages.js';
import type { RabbitMqHarness } from './rabbitmq-harness.js';

/** What RabbitMQ's queues, exchanges and foreign clients make of the port. */
export function topologyCases(harness: RabbitMqHarness): void {
  const queueOf = ({ kind, name }: { kind: string; name: string }): string => `${harness.namespace}.${kind}.${name}`;

  it('names the queue and the argument when a queue exists with other arguments', async () => {
    const broker = await harness.open(amqpUrl());
    const limited = await harness.open(amqpUrl(), { maxQueueSize: 7 });
    const otherType = await harness.open(amqpUrl(), {
      queueType: harness.queueType === 'quorum' ? 'classic' : 'quorum',
    });
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const queue = `${queueOf(owner)}.high`;
    await expect(collect(limited, owner)).rejects.toMatchObject({
      name: 'TopologyError',
      queue,
      argument: 'x-max-length',
    });
    await expect(collect(otherType, owner)).rejects.toMatchObject({
      queue: `${harness.namespace}.dead-letter`,
      argument: 'x-queue-type',
    });
    const refused = collect(limited, owner);
    await expect(refused).rejects.toBeInstanceOf(TopologyError);
    await expect(refused).rejects.toThrow(/x-max-length.*'7'.*'10000'/);
    expect(limited.status().connected).toBe(true);
    await limited.publish(message(owner, 'still usable'));
    await until('the message', () => received.length === 1);
  });

  it('names the exchange that exists as another kind, at start', async () => {
    const namespace = randomNamespace('clash');
    const broker = harness.create(amqpUrl(), { namespace });
    await harness.foreign((channel) => channel.assertExchange(`${namespace}.topic`, 'fanout', { durable: true }));
    try {
      await expect(broker.start()).rejects.toMatchObject({
        name: 'TopologyError',
        queue: `${namespace}.topic`,
        argument: 'type',
      });
    } finally {
      await harness.foreign(async (channel) => {
        for (const kind of ['direct', 'topic', 'broadcast']) {
          for (const lane of ['', '.high']) await channel.deleteExchange(`${namespace}.${kind}${lane}`);
        }
        await channel.deleteExchange(`${namespace}.dead-letter`);
      });
    }
  });

  it('declares durable queues of the type asked for, of limited length, and lets only agents’ own expire', async () => {
    const broker = await harness.open(amqpUrl());
    const arguments_ = {
      'x-queue-type': harness.queueType,
      'x-max-length': 10_000,
      'x-overflow': 'reject-publish',
      'x-dead-letter-exchange': `${harness.namespace}.dead-letter`,
      ...(harness.queueType === 'quorum'
        ? { 'x-delivery-limit': 1_000_000_000, 'x-dead-letter-strategy': 'at-least-once' }
        : {}),
    };
    const role = newRole();
    const agent = newAgent();
    await collect(broker, role);
    await collect(broker, agent);
    await harness.foreign(async (channel) => {
      for (const lane of ['', '.high']) {
        await channel.assertQueue(`${queueOf(role)}${lane}`, { durable: true, arguments: arguments_ });
        const expiring = { ...arguments_, 'x-expires': 24 * 60 * 60 * 1000 };
        await channel.assertQueue(`${queueOf(agent)}${lane}`, { durable: true, arguments: expiring });
      }
    });
  });

  it('takes what a foreign client sends, straight to the queue or through an exchange, with headers of any type', async () => {
    const broker = await harness.open(amqpUrl());
    const agent = newAgent();
    const { received } = await collect(broker, agent, ['market.#']);
    const headers = {
      when: { '!': 'timestamp', value: 1_700_000_000 },
      money: { '!': 'decimal', value: { places: 2, digits: 314 } },
      float: { '!': 'float', value: 1.5 },
      big: { '!': 'int64', value: 2 ** 40 },
      bytes: Buffer.from([1, 2]),
      none: null,
      list: [1, 'a', null, { deep: [true] }],
      table: { a: { b: {} } },
      'agentmq-version': { not: 'a number' },
      CC: ['some.other.key'],
    };
    await harness.foreign(async (channel) => {
      channel.publish('', queueOf(agent), Buffer.from('direct'), {
        headers,
        priority: 200,
        expiration: '60000',
        type: '',
      });
      channel.publish(`${harness.namespace}.topic`, 'market.a', Buffer.from('topic'));
      channel.publish(`${harness.namespace}.broadcast`, 'ignored', Buffer.from('broadcast'));
      channel.publish(`${harness.namespace}.direct`, `agent.${agent.name}`, Buffer.from('key'), { type: 't' });
    });
    await until('all four', () => received.length === 4);
    const byText = new Map(received.map((incoming) => [textOf(incoming), incoming]));
    expect(byText.get('direct')).toMatchObject({
      recipient: agent,
      properties: {
        priority: 200,
        expiration: 60_000,
        type: '',
        headers: { when: headers.when, none: null, table: headers.table },
      },
    });
    expect(byText.get('topic')).toMatchObject({
      recipient: { kind: 'topic', name: 'market.a' },
      properties: { headers: {} },
    });
    expect(byText.get('broadcast')?.recipient).toEqual(everyone);
    expect(byText.get('key')?.recipient).toEqual(agent);
  });

  it('passes on no order to copy a message to other queues', async () => {
    const broker = await harness.open(amqpUrl());
    const [owner, other] = [newRole(), newRole()];
    const { received } = await collect(broker, owner);
    const bystander = await collect(broker, other);
    await broker.publish(
      message(owner, 'x', { headers: { CC: [`role.${other.name}`], BCC: 'not even a list', kept: 1 } }),
    );
    await until('the message', () => received.length === 1);
    expect(received[0]?.properties.headers).toEqual({ kept: 1 });
    expect(bystander.received).toEqual([]);
  });

  it('refuses a header that AMQP can’t carry, and goes on', async () => {
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    const { received } = await collect(broker, owner);
    for (const headers of [{ bad: () => undefined }, { large: 'x'.repeat(100_000) }]) {
      await expect(broker.publish(message(owner, 'x', { headers }))).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
    }
    await expect(broker.publish(message(owner, 'x', { type: 'x'.repeat(300) }))).rejects.toMatchObject({
      code: 'INVALID_MESSAGE',
    });
    await broker.publish(message(owner, 'good'));
    await until('the good one', () => received.length === 1);
  });
}
