import { expect, it } from '@jest/globals';
import { collect, everyone, message, newAgent, newRole, numbered, textOf } from 'agentmq/testing/conformance';
import { amqpUrl, randomNamespace, until } from '../../support/index.js';
import type { RabbitMqHarness } from './rabbitmq-harness.js';

/** What RabbitMQ's queues, exchanges and foreign clients make of the port. */
export function topologyCases(harness: RabbitMqHarness): void {
  const queueOf = ({ kind, name }: { kind: string; name: string }): string => `${harness.namespace}.${kind}.${name}`;

  it('uses a queue that exists with other arguments, and names the queue and the argument once', async () => {
    const told: string[] = [];
    const remark = (text: string): void => void told.push(text);
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    const first = await collect(broker, owner);
    const queueType = harness.queueType === 'quorum' ? 'classic' : 'quorum';
    const limited = await harness.open(amqpUrl(), { maxQueueSize: 7, remark, mendIntervalMs: 50 });
    const otherType = await harness.open(amqpUrl(), { queueType, remark, mendIntervalMs: 50 });
    const readers = [first, await collect(limited, owner), await collect(otherType, owner)];
    for (const lane of ['', '.high']) {
      const queue = `${queueOf(owner)}${lane}`;
      expect(told.filter((text) => text.startsWith(`${queue}: it exists with another x-max-length`))).toHaveLength(1);
      expect(told.filter((text) => text.startsWith(`${queue}: it exists with another x-queue-type`))).toHaveLength(1);
    }
    expect(told.join('\n')).toMatch(/x-max-length: received .*'7'.* but current is .*'10000'/);
    expect(otherType.status().remarks?.join()).toContain(`${harness.namespace}.dead-letter: it exists with another`);
    const texts = numbered(30);
    for (const text of texts) await limited.publish(message(owner, text));
    const received = (): string[] => readers.flatMap((reader) => reader.texts());
    await until('all', () => received().length === texts.length);
    expect(new Set(received())).toEqual(new Set(texts));
    // Time for two more looks at what is read.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await Promise.all(readers.map(({ consumer }) => consumer.close()));
    expect(new Set(told).size).toBe(told.length);
  });

  it('can’t use a stream as an inbox', async () => {
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    const queue = `${queueOf(owner)}.high`;
    await harness.foreign((channel) =>
      channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'stream' } }),
    );
    await expect(collect(broker, owner)).rejects.toMatchObject({
      name: 'TopologyError',
      queue,
      argument: 'x-queue-type',
    });
    expect(broker.status().connected).toBe(true);
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
      ...(harness.queueType === 'quorum' ? { 'x-delivery-limit': 1_000_000_000 } : {}),
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

  it('makes again the inbox of a paused consumer that has expired, and tells that it did', async () => {
    const broker = await harness.open(amqpUrl(), { mendIntervalMs: 100 });
    const owner = newAgent();
    let created = 0;
    const { consumer, texts } = await collect(broker, owner, [], { prefetch: 10, onCreated: () => void created++ });
    consumer.pause();
    await until('it to be read no more', () =>
      harness.foreign(async (channel) => (await channel.checkQueue(queueOf(owner))).consumerCount === 0),
    );
    await broker.deleteInbox(owner);
    await until('it to be told', () => created === 2);
    await broker.publish(message(owner, 'x'));
    expect(await broker.inboxSize(owner)).toBe(1);
    expect(broker.faults()).toEqual([]);
    consumer.resume();
    await until('the message', () => texts().length === 1);
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
