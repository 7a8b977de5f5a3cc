import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, Ctx, Handle, MessageContext, Subscribe } from 'agentmq/agent';
import { Contract, type Message, newMessageId, toRole } from 'agentmq/protocol';
import { readTrace } from 'agentmq/messaging';
import { Audit, DeadLetters } from 'agentmq/operations';
import { type Channel, type ChannelModel, connect, type Options } from 'amqplib';
import { IsInt, IsString } from 'class-validator';
import { amqpUrl, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'order', retry: { attempts: 1 } })
class Order {
  @IsString()
  item!: string;

  @IsInt()
  quantity!: number;
}

const MANY_KEYS = `{${Array.from({ length: 100_000 }, (_, i) => `"key ${i}":1`).join(',')}}`;

const handled: { item: string; id: string }[] = [];

@Agent({ role: 'shop' })
class Shop {
  @Handle(Order)
  order({ item, quantity }: Order, @Ctx() { message }: MessageContext): { total: number } {
    if (item === 'bomb') throw new Error('no bombs');
    handled.push({ item, id: message.messageId });
    return { total: quantity * 2 };
  }

  @Subscribe('orders.*', Order)
  published({ item }: Order, @Ctx() { message }: MessageContext): void {
    handled.push({ item, id: message.messageId });
  }
}

const arrived: { item: string; id: string }[] = [];

@Agent({ role: 'depot' })
class Depot {
  @Handle(Order, { retry: { attempts: 2, delay: 10 } })
  order({ item }: Order, @Ctx() { message, attempt }: MessageContext): { depot: string } {
    arrived.push({ item, id: message.messageId });
    if (attempt === 1) throw new Error('not at first');
    return { depot: item };
  }
}

/** As an agent sends it to the shop. */
const own = (body: string): Message => ({
  messageId: newMessageId(),
  sender: 'shop-1',
  recipient: toRole('shop'),
  timestamp: new Date(),
  type: 'order',
  version: 1,
  priority: 5,
  attempt: 1,
  contentType: 'application/json',
  body: Buffer.from(body),
});

@Agent({ role: 'late' })
class Late {
  @Handle(Order)
  order({ item }: Order, @Ctx() { message }: MessageContext): void {
    handled.push({ item, id: message.messageId });
  }
}

describe('a foreign AMQP client', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'rabbitmq', MESSAGE_BUS_HANDLER_GRACE: '0.1' });
  let shop: INestApplicationContext;
  let connection: ChannelModel;
  let channel: Channel;

  beforeAll(async () => {
    shop = await system.start({ id: 'shop-1', controllers: [Shop] });
    await system.start({ id: 'depot-1', controllers: [Depot] });
    connection = await connect(amqpUrl());
    channel = await connection.createChannel();
  });
  afterAll(async () => {
    await connection.close();
    await system.close();
  });
  afterEach(() => {
    handled.length = 0;
    arrived.length = 0;
  });

  const publish = (body: Buffer | string, options: Options.Publish, exchange = 'direct', key = 'role.shop') =>
    channel.publish(`${system.namespace}.${exchange}`, key, Buffer.from(body), options);

  /** What the store knows of the one message of a type that the test made up. */
  const recorded = (type: string) =>
    until(`a record of ${type}`, async () => {
      const [found] = await system.store.history.list({ type });
      return found?.deliveries[0] && found.deliveries[0].state !== 'processing' ? found : undefined;
    });

  /** The app goes on: the next good message is handled. */
  const goesOn = async () => {
    publish('{"item":"next","quantity":1}', { type: 'order' });
    await until('the next order', () => handled.some(({ item }) => item === 'next'));
  };

  it('sends a JSON body and `type` only: handled, stored, completed', async () => {
    publish('{"item":"tea","quantity":1}', { type: 'order' });
    const { id } = await until('the order', () => handled[0]);
    const stored = await until('completion', async () => {
      const found = await system.store.history.find(id);
      return found?.deliveries[0]?.state === 'completed' ? found : undefined;
    });
    expect(stored.message).toMatchObject({ type: 'order', sender: 'unknown', priority: 5 });
  });

  it('publishes to a topic, and straight to the queue', async () => {
    publish('{"item":"by topic","quantity":1}', { type: 'order' }, 'topic', 'orders.new');
    channel.sendToQueue(`${system.namespace}.role.shop`, Buffer.from('{"item":"by queue","quantity":1}'), {
      type: 'order',
    });
    await until('both', () => handled.length === 2);
    expect(handled.map(({ item }) => item).sort()).toEqual(['by queue', 'by topic']);
  });

  it('repeats a message with the same id: handled once', async () => {
    for (let i = 0; i < 3; i++) publish('{"item":"once","quantity":1}', { type: 'order', messageId: 'their-id-7' });
    await goesOn();
    await until(
      'completion',
      async () => (await system.store.history.find('their-id-7'))?.deliveries[0]?.state === 'completed',
    );
    expect(handled.filter(({ id }) => id === 'their-id-7')).toHaveLength(1);
  });

  it('counts from 1 for each role: each handles what was sent to it, also when it is tried again', async () => {
    const order = (item: string) => JSON.stringify({ item, quantity: 1 });
    publish(order('for the shop'), { type: 'order', messageId: '1' });
    await until('the shop', () => handled.length === 1);
    publish(order('for the depot'), { type: 'order', messageId: '1' }, 'direct', 'role.depot');
    publish(order('another for the shop'), { type: 'order', messageId: '1' });
    publish(order('for the shop'), { type: 'order', messageId: '1' });
    publish(order('another for the shop'), { type: 'order', messageId: '1' });
    await until('the depot, twice', () => arrived.length === 2);
    await goesOn();
    expect(arrived.map(({ item }) => item)).toEqual(['for the depot', 'for the depot']);
    expect(handled.map(({ item }) => item)).toEqual(['for the shop', 'another for the shop', 'next']);
    const another = await until('completion', async () => {
      const found = await system.store.history.find(handled[1]?.id ?? '');
      return found?.deliveries[0]?.state === 'completed' ? found : undefined;
    });
    expect(another.message.headers).toMatchObject({ 'agentmq-original-id': '1' });
  });

  it('takes the id of a message that waits: that one is handled as it was sent', async () => {
    const message = { ...own('{"item":"sent by an agent","quantity":1}'), deliverAt: new Date(Date.now() + 500) };
    const id = message.messageId;
    await system.store.outbox.append([message], { owner: 'shop-1' });
    publish('{"item":"forged","quantity":1}', { type: 'order', messageId: id });
    publish('<forged/>', { type: 'order', messageId: id });
    await until('both', () => handled.length === 2);
    expect(handled.map(({ item }) => item)).toEqual(['forged', 'sent by an agent']);
    expect(handled[1]?.id).toBe(id);
  });

  it('names a message that waits for another in a dead letter: it goes on waiting', async () => {
    const body = '{"item":"waits","quantity":1}';
    const message = { ...own(body), recipient: toRole('absent') };
    await system.store.outbox.append([message], { owner: 'shop-1' });
    const letter = (messageId: string, content: string, reason: string) => {
      const death = { queue: `${system.namespace}.role.absent`, exchange: `${system.namespace}.direct`, count: 1 };
      const headers = { 'x-death': [{ ...death, reason, 'routing-keys': ['role.absent'] }] };
      publish(content, { type: 'order', messageId, headers }, 'dead-letter', '');
    };
    for (const reason of ['expired', 'rejected']) {
      letter(message.messageId, body, reason);
      letter(message.messageId, '{}', reason);
    }
    letter('last letter', body, 'rejected');
    const last = await until('the last letter', async () => {
      const found = await system.store.history.find('last letter');
      return found?.deliveries.length ? found : undefined;
    });
    expect(last.deliveries).toMatchObject([{ state: 'dead', error: { code: 'BROKER_DEAD_LETTERED' } }]);
    await until('all letters', async () => (await system.store.history.list({ consumer: 'role.absent' })).length === 3);
    expect((await system.store.history.find(message.messageId))?.deliveries).toMatchObject([
      { state: 'pending', error: null },
    ]);
  });

  it('asks with its own reply queue and is answered', async () => {
    const { queue } = await channel.assertQueue('', { exclusive: true });
    const answers: { body: unknown; correlationId: unknown }[] = [];
    await channel.consume(queue, (m) => {
      if (m) answers.push({ body: JSON.parse(m.content.toString()), correlationId: m.properties.correlationId });
    });
    publish('{"item":"tea","quantity":21}', { type: 'order', replyTo: queue, correlationId: 'q-1' });
    await until('the answer', () => answers.length > 0);
    expect(answers).toEqual([{ body: { total: 42 }, correlationId: 'q-1' }]);
  });

  it.each<[string, Buffer | string, Options.Publish, string, RegExp]>([
    ['an unknown type', '{}', { type: 'no_such_type' }, 'UNKNOWN_TYPE', /no_such_type/],
    ['no type', '{"item":"x"}', {}, 'INVALID_MESSAGE', /^type: /],
    ['a body that is no JSON', '<order/>', { type: 'order', messageId: 'xml' }, 'INVALID_MESSAGE', /^body: /],
    ['a body that is no UTF-8', Buffer.from([0xff, 0xfe, 0x00]), { type: 'order' }, 'INVALID_MESSAGE', /^body: /],
    ['an empty body', '', { type: 'order' }, 'INVALID_MESSAGE', /^body: /],
    [
      'a body of 5 MB that breaks its contract',
      `{"item":7,"quantity":1,"pad":"${'x'.repeat(5_000_000)}"}`,
      { type: 'order' },
      'CONTRACT_VIOLATION',
      /item/,
    ],
    [
      'a payload with 100,000 keys that breaks its contract',
      `{"item":7,"quantity":1,"more":${MANY_KEYS}}`,
      { type: 'order' },
      'CONTRACT_VIOLATION',
      /item/,
    ],
    [
      'a body nested 1,000,000 deep',
      `{"item":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)},"quantity":1}`,
      { type: 'order' },
      'INVALID_MESSAGE',
      /^body: is nested more than 200 deep/,
    ],
    [
      'a payload that breaks its contract',
      '{"item":"x","quantity":"many"}',
      { type: 'order' },
      'CONTRACT_VIOLATION',
      /quantity/,
    ],
    [
      'a version that is not handled',
      '{}',
      { type: 'order', headers: { 'agentmq-version': 9 } },
      'UNKNOWN_TYPE',
      /version 9/,
    ],
    [
      'a version that is no number',
      '{}',
      { type: 'order', headers: { 'agentmq-version': 'x' } },
      'INVALID_MESSAGE',
      /agentmq-version/,
    ],
    ['a message whose handler fails', '{"item":"bomb","quantity":1}', { type: 'order' }, 'HANDLER_FAILED', /no bombs/],
  ])('%s ends dead with its reason, and the app goes on', async (name, body, options, code, reason) => {
    const messageId = `bad: ${name}`;
    publish(body, { ...options, messageId });
    await goesOn();
    const stored = await until(name, async () => {
      const found = await system.store.history.find(messageId);
      return found?.deliveries[0]?.state === 'dead' ? found : undefined;
    });
    expect(stored.deliveries[0]?.error).toMatchObject({ code, message: expect.stringMatching(reason) });
    expect(stored.message.body.equals(Buffer.from(body))).toBe(true);
  });

  it('100,000 fields that the contract does not know are left out in little time', async () => {
    const sent = performance.now();
    publish(`{"item":"wide","quantity":1,${MANY_KEYS.slice(1)}`, { type: 'order' });
    await until('the order', () => handled.some(({ item }) => item === 'wide'));
    // 10 s and more for a reader that is quadratic in them
    expect(performance.now() - sent).toBeLessThan(5_000);
  });

  it('a payload is read under its claim, so that one that kills its reader is found', async () => {
    publish('{"item":7,"quantity":1}', { type: 'order', messageId: 'claimed' });
    const delivery = await until('its end', async () => {
      const [found] = (await system.store.history.find('claimed'))?.deliveries ?? [];
      return found?.state === 'dead' ? found : undefined;
    });
    expect(delivery).toMatchObject({ attempt: 1, history: [{ error: { code: 'CONTRACT_VIOLATION' } }] });
  });

  it('a header table with odd types is taken as it is', async () => {
    const headers = {
      nested: { a: [1, 'two', { three: 3 }], when: { '!': 'timestamp', value: 1_700_000_000 } },
      binary: Buffer.from([0, 1, 255]),
      big: { '!': 'int64', value: 9_007_199_254_740_000 },
      nul: 'a\u0000b',
      nothing: null,
      traceparent: 'garbage',
      'agentmq-attempt': { odd: true },
      'agentmq-time': 7,
    };
    publish('{"item":"odd","quantity":1}', { type: 'order', messageId: 'odd\u0000id', appId: 'a\u0000b', headers });
    await until('the order', () => handled.some(({ item }) => item === 'odd'));
    await goesOn();
  });

  it('a message without a traceparent, and what takes its place, are found as one trace', async () => {
    publish('{"item":"bomb","quantity":1}', { type: 'order', messageId: 'untraced' });
    await until('its end', async () => (await system.store.history.find('untraced'))?.deliveries[0]?.state === 'dead');
    const letters = new DeadLetters(system.store, new Audit(system.store.database), {
      sender: 'operator',
      maxMessageBytes: 1_000,
    });
    const ref = { messageId: 'untraced', consumer: 'role.shop' };
    const { replacedBy: replacement } = await letters.requeueEdited(
      { name: 'ann', via: 'cli' },
      ref,
      '{"item":"tea","quantity":1}',
    );
    const { hops } = await readTrace(system.store, 'untraced');
    expect(hops).toMatchObject([{ messageId: 'untraced' }, { messageId: replacement, causationId: 'untraced' }]);
  });

  it('an expired message is not handled, and recorded as expired', async () => {
    const headers = { 'agentmq-expires-at': '2020-01-01T00:00:00Z' };
    publish('{"item":"stale","quantity":1}', { type: 'order', messageId: 'stale', headers });
    await goesOn();
    const stale = await until('the record', () => system.store.history.find('stale'));
    expect(stale.deliveries[0]).toMatchObject({ state: 'expired', error: { code: 'MESSAGE_EXPIRED' } });
    expect(handled.some(({ item }) => item === 'stale')).toBe(false);
  });

  it('every message that came has a row that says what became of it', async () => {
    const { deliveries } = await until('nothing under way', async () => {
      const counts = await system.store.history.counts();
      return counts.deliveries.processing === 0 ? counts : undefined;
    });
    expect(deliveries.dead).toBeGreaterThanOrEqual(10);
    expect(await recorded('no_such_type')).toBeDefined();
  });

  it('lets a queue expire its messages early: what is owed goes on its way again, the rest is recorded as that', async () => {
    const early = {
      durable: true,
      messageTtl: 200,
      deadLetterExchange: `${system.namespace}.dead-letter`,
      arguments: { 'x-queue-type': 'quorum' },
    };
    for (const lane of ['', '.high']) {
      const { queue } = await channel.assertQueue(`${system.namespace}.role.late${lane}`, early);
      await channel.bindQueue(queue, `${system.namespace}.direct${lane}`, 'role.late');
    }
    const { messageId } = await shop.get(AgentClient).send({ role: 'late' }, Order, { item: 'patience', quantity: 1 });
    channel.publish(`${system.namespace}.direct`, 'role.late', Buffer.from('{}'), {
      type: 'stranger',
      messageId: 'str',
    });
    // The message is stored first, and then what became of it.
    const deliveries = await until('a record of what is not ours', async () => {
      const found = await system.store.history.find('str');
      return found?.deliveries.length ? found.deliveries : undefined;
    });
    expect(deliveries).toMatchObject([
      { consumer: 'role.late', state: 'dead', error: { message: expect.stringMatching(/expired before its time/) } },
    ]);
    expect((await system.store.history.find(messageId))?.deliveries).toMatchObject([
      { consumer: 'role.late', state: 'pending' },
    ]);
    const taken = until(
      'the one that is owed',
      async () => (await channel.get(`${system.namespace}.role.late`)) || undefined,
    );
    channel.nack(await taken, false, true);
    await system.start({ id: 'late-1', controllers: [Late] });
    await until('it to be handled', () => handled.some(({ item }) => item === 'patience'));
  });
});
