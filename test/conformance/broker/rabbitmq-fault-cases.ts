import { expect, it } from '@jest/globals';
import {
  type BrokerFault,
  type BrokerStatus,
  BrokerUnavailableError,
  NoRecipientError,
  type RabbitMqBroker,
} from 'agentmq/broker';
import type { Channel } from 'amqplib';
import type { Recipient } from 'agentmq/protocol';
import { collect, declare, gate, message, newRole, numbered, textOf } from 'agentmq/testing/conformance';
import { amqpUrl, freePort, until } from '../../support/index.js';
import type { RabbitMqHarness } from './rabbitmq-harness.js';

const isLost = ({ kind, of }: BrokerFault, queue: string): boolean => kind === 'consumer_lost' && of === queue;

/** Cancels a consumer at the broker, past the reader that it is of. */
async function silentlyCancel(broker: RabbitMqBroker, queue: string, tag: string): Promise<void> {
  const reader = [...broker['readers']].find(({ name }) => name === queue) as unknown as {
    readonly keeper: { readonly current: { readonly channel: Channel } };
  };
  await reader.keeper.current.channel.cancel(tag);
}

/** Channels that break, and what is removed from the broker, in ways that only RabbitMQ has. */
export function faultCases(harness: RabbitMqHarness): void {
  it('rebuilds a publishing channel that the broker closed, and sends again what was unconfirmed', async () => {
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    const { texts } = await collect(broker, owner);
    await harness.foreign((channel) => channel.deleteExchange(`${harness.namespace}.direct.high`));
    const normal = numbered(200).map((text) => broker.publish(message(owner, text)));
    // The exchange is declared again, but the binding is gone until the queue's reader, which hears of it, makes it again.
    const urgent = message(owner, 'urgent', { priority: 9 });
    const refused = await broker.publish(urgent).catch((error: unknown) => error);
    if (refused) expect(refused).toBeInstanceOf(NoRecipientError);
    await Promise.all(normal);
    await until('all', async () => {
      if (!texts().includes('urgent')) await broker.publish(urgent).catch(() => undefined);
      return new Set(texts()).size === 201;
    });
  });

  it('rebuilds a consuming channel that the broker closed, and drops the stale acknowledgement', async () => {
    const node = await harness.node();
    await node.ctl(
      'eval',
      'application:set_env(rabbit, consumer_timeout, 1000), application:set_env(rabbit, channel_tick_interval, 1000).',
    );
    const reports: string[] = [];
    const broker = await harness.open(node.url, { report: ({ message }) => reports.push(message) });
    const owner = newRole();
    const slow = gate();
    let calls = 0;
    await broker.consume({ owner, topics: [] }, { prefetch: 5 }, () =>
      ++calls === 1 ? slow.passed : Promise.resolve(),
    );
    await broker.publish(message(owner, 'x'));
    await until('the broker lost patience and delivers again', () => calls === 2, 20_000);
    expect(reports.join()).toMatch(/PRECONDITION_FAILED - delivery acknowledgement/);
    slow.open();
    await broker.publish(message(owner, 'y'));
    await until('the next message', () => calls === 3);
    expect(await broker.inboxSize(owner)).toBe(0);
    await broker.deleteInbox(owner);
  }, 60_000);

  it('tells that an inbox had to be made even when only the second attempt to declare it succeeds', async () => {
    const node = await harness.node();
    const reports: string[] = [];
    const broker = await harness.open(node.url, { report: ({ message }) => reports.push(message) });
    // Queues may be declared, but not bound: that needs to read from the exchange.
    await node.ctl('set_permissions', 'guest', '.*', '.*', 'dead-letter$|[.]role[.]');
    let created = 0;
    const owner = newRole();
    const consuming = broker.consume({ owner, topics: [] }, { prefetch: 1, onCreated: () => void created++ }, () =>
      Promise.resolve(),
    );
    await until('two attempts, both queues declared by the first', () => reports.length >= 2);
    expect(reports.join()).toMatch(/access to exchange .* refused/);
    expect(await broker.inboxSize(owner)).toBe(0);
    expect(created).toBe(0);
    await node.ctl('set_permissions', 'guest', '.*', '.*', '.*');
    await consuming;
    expect(created).toBe(1);
    await broker.deleteInbox(owner);
  }, 60_000);

  it('makes again, by itself, a binding and an exchange that were removed', async () => {
    const reader = await harness.open(amqpUrl(), { mendIntervalMs: 200 });
    const sender = await harness.open(amqpUrl());
    const owner = newRole();
    const { texts } = await collect(reader, owner, ['market.#']);
    const heard: string[] = [];
    await reader.listen(['control.#'], (incoming) => void heard.push(textOf(incoming)));
    const { namespace } = harness;
    const comes = async (recipient: Recipient, text: string, where: () => readonly string[]): Promise<void> => {
      await until(`${text} to come`, async () => {
        const publication = message(recipient, text, { mandatory: true });
        await sender.publish(publication).catch((error: unknown) => expect(error).toBeInstanceOf(NoRecipientError));
        return where().includes(text);
      });
    };
    const queue = `${namespace}.role.${owner.name}`;
    await harness.foreign((channel) => channel.unbindQueue(queue, `${namespace}.direct`, `role.${owner.name}`));
    await expect(sender.publish(message(owner, 'unbound'))).rejects.toBeInstanceOf(NoRecipientError);
    await comes(owner, 'bound again', texts);
    const isTold = (exchange: string): boolean =>
      [reader, sender].some((broker) =>
        broker
          .status()
          .remarks?.some((remark) => remark.startsWith(`${namespace}.${exchange}: the exchange was missing at`)),
      );
    let n = 0;
    // one that is removed between a look and its mending is made again without a word
    await until('the exchanges to be made again, and that to be told', async () => {
      for (const exchange of ['direct', 'topic', 'topic.high'])
        await harness.foreign((channel) => channel.deleteExchange(`${namespace}.${exchange}`));
      n++;
      await comes(owner, `by role ${n}`, texts);
      await comes({ kind: 'topic', name: 'market.a' }, `by topic ${n}`, texts);
      await comes({ kind: 'topic', name: 'control.a' }, `heard ${n}`, () => heard);
      return isTold('direct') && isTold('topic');
    });
    expect(reader.faults()).toEqual([]);
  });

  it('subscribes again when the broker has lost a subscription without a word', async () => {
    const broker = await harness.open(amqpUrl(), { mendIntervalMs: 100 });
    const owner = newRole();
    const { received } = await collect(broker, owner);
    // As seen from the client, its consumer goes on: the broker has it no longer.
    for (const tag of ['0', '1']) await silentlyCancel(broker, `${harness.namespace}.role.${owner.name}`, tag);
    await broker.publish(message(owner, 'x'));
    await until('the message', () => received.length === 1);
    expect(broker.status().remarks?.join()).toMatch(/the broker had lost the subscription/);
    expect(broker.figures().connectionsLost).toBe(0);
  });

  it('tells the inbox that can’t be read any more, and reads it once it can', async () => {
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const queue = `${harness.namespace}.role.${owner.name}`;
    await harness.foreign(async (channel) => {
      // At once, so that the reader does not come between them. Gone with its connection.
      await Promise.all([channel.deleteQueue(queue), channel.assertQueue(queue, { exclusive: true, durable: false })]);
      const refused = /RESOURCE_LOCKED/;
      await until('it is told', () =>
        broker.faults().some((fault) => isLost(fault, queue) && refused.test(fault.reason)),
      );
    });
    await until('it is read again', () => broker.faults().length === 0 && broker.status().connected, 10_000);
    await broker.publish(message(owner, 'x'));
    await until('the message', () => received.length === 1);
  });

  it('tells the inbox that can’t be read when its consumer is resumed, and reads it once it can', async () => {
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    const { consumer, received } = await collect(broker, owner, [], { prefetch: 10, paused: true });
    const queue = `${harness.namespace}.role.${owner.name}`;
    await harness.foreign(async (channel) => {
      await channel.deleteQueue(queue);
      await channel.assertQueue(queue, { exclusive: true, durable: false });
      expect(broker.faults()).toEqual([]);
      consumer.resume();
      await until('it is told', () => broker.faults().some((fault) => isLost(fault, queue)));
    });
    await until('it is read again', () => broker.faults().length === 0 && broker.status().connected, 10_000);
    await broker.publish(message(owner, 'x'));
    await until('the message', () => received.length === 1);
  });

  it('tells the fault while what was removed can’t be made again', async () => {
    const broker = await harness.open(amqpUrl(), { mendIntervalMs: 100 });
    await collect(broker, newRole());
    const exchange = `${harness.namespace}.broadcast`;
    await harness.foreign(async (channel) => {
      await channel.deleteExchange(exchange);
      await channel.assertExchange(exchange, 'direct', { durable: true });
    });
    await until('it is told', () => broker.faults().some(({ kind }) => kind === 'binding_missing'));
    expect(broker.status().remarks?.join()).toMatch(/broadcast: it exists with another type/);
    await harness.foreign((channel) => channel.deleteExchange(exchange));
    await until('it is not any more', () => broker.faults().length === 0);
  });
}

/** Connections that break, or are not to be had: they do not depend on the type of a queue. */
export function connectionFaultCases(harness: RabbitMqHarness): void {
  it('shows a blocked connection, lets publications wait for a bounded time, and goes on when it is unblocked', async () => {
    const node = await harness.node();
    const broker = await harness.open(node.url, { publishTimeoutMs: 30_000 });
    const impatient = await harness.open(node.url, { publishTimeoutMs: 500 });
    const owner = newRole();
    const { texts } = await collect(broker, owner);
    await node.ctl('set_vm_memory_high_watermark', '0.0000001');
    const waiting = numbered(100).map((text) => broker.publish(message(owner, text)));
    await until('it is blocked', () => broker.status().blocked);
    expect(broker.faults()).toMatchObject([{ kind: 'blocked', reason: expect.stringMatching(/low on memory/) }]);
    await expect(impatient.publish(message(owner, 'impatient'))).rejects.toBeInstanceOf(BrokerUnavailableError);
    expect(impatient.status()).toMatchObject({ connected: true, blocked: true });
    await expect(impatient.publish(message(owner, 'again'))).rejects.toThrow(/blocked/);
    await node.ctl('set_vm_memory_high_watermark', '0.6');
    await Promise.all(waiting);
    await until('those that waited', () => new Set(texts().filter((text) => /^\d/.test(text))).size === 100);
    expect(broker.status().blocked).toBe(false);
    expect(broker.faults()).toEqual([]);
    expect(broker.figures()).toMatchObject({ connectionsLost: 0, unconfirmed: 0, blockedMs: expect.any(Number) });
    expect(broker.figures().blockedMs).toBeGreaterThan(0);
    await impatient.publish(message(owner, 'at last'));
    await broker.deleteInbox(owner);
  }, 60_000);

  it('notices a peer that fell silent by its heartbeat', async () => {
    const proxy = await harness.proxy(amqpUrl());
    const broker = await harness.open(proxy.through(amqpUrl()), { heartbeatSeconds: 1 });
    const owner = newRole();
    const { received } = await collect(broker, owner);
    proxy.freeze();
    const published = broker.publish(message(owner, 'x'));
    await until('it is noticed', () => !broker.status().connected);
    proxy.thaw();
    await published;
    await until('the message', () => received.length >= 1);
  });

  it('start "fail" rejects when no URL answers, and with a password that is wrong', async () => {
    const dead = `amqp://127.0.0.1:${await freePort()}`;
    const begun = Date.now();
    await expect(harness.open([dead, dead], { start: 'fail' })).rejects.toBeInstanceOf(BrokerUnavailableError);
    const stranger = amqpUrl().replace(/\/\/.*@/, '//guest:wrong@');
    const refused = harness.open(stranger, { start: 'fail' });
    await expect(refused).rejects.toBeInstanceOf(BrokerUnavailableError);
    await expect(refused).rejects.toThrow(/^(?!.*wrong).*ACCESS_REFUSED|^(?!.*wrong).*handshake/i);
    const elsewhere = harness.open(`${amqpUrl()}/no_such_host`, { start: 'fail' });
    await expect(elsewhere).rejects.toThrow(/does not open the virtual host "no_such_host"/);
    expect(Date.now() - begun).toBeLessThan(8_000);
  });

  it('start "wait" resolves when the broker comes up', async () => {
    const proxy = await harness.proxy(amqpUrl());
    proxy.refuse();
    let failures = 0;
    const broker = harness.create(proxy.through(amqpUrl()), { start: 'wait', report: () => failures++ });
    let started = false;
    const starting = broker.start().then(() => (started = true));
    await until('some attempts', () => failures >= 4);
    expect(started).toBe(false);
    await proxy.accept();
    await starting;
    expect(broker.status().connected).toBe(true);
  });

  it('start "degraded" resolves without the broker; what is asked of it happens when it comes up', async () => {
    const proxy = await harness.proxy(amqpUrl());
    proxy.refuse();
    const broker = await harness.open(proxy.through(amqpUrl()), { start: 'degraded' });
    const status: BrokerStatus = { type: 'rabbitmq', connected: false, sends: false, blocked: false };
    expect(broker.status()).toEqual(status);
    const owner = newRole();
    const { received } = await collect(broker, owner);
    await declare(await harness.open(amqpUrl()), owner);
    const published = broker.publish(message(owner, 'x'));
    await expect(broker.deleteInbox(owner)).rejects.toBeInstanceOf(BrokerUnavailableError);
    await expect(broker.inboxSize(owner)).rejects.toBeInstanceOf(BrokerUnavailableError);
    await proxy.accept();
    await published;
    await until('the message', () => received.map(textOf).includes('x'));
    expect(broker.status()).toEqual({ ...status, connected: true, sends: true });
  });

  it('gives up a publication that could not be sent in time, and closes while it is not connected', async () => {
    const proxy = await harness.proxy(amqpUrl());
    proxy.refuse();
    const broker = await harness.open(proxy.through(amqpUrl()), { start: 'degraded', publishTimeoutMs: 200 });
    await expect(broker.publish(message(newRole(), 'x'))).rejects.toThrow(/not connected/);
    const waiting = broker.publish(message(newRole(), 'y'));
    const outcome = waiting.catch((error: unknown) => error);
    await broker.close(50);
    expect(await outcome).toMatchObject({ code: 'BROKER_CLOSED' });
  });

  it('goes to the next URL when one does not answer', async () => {
    const dead = `amqp://127.0.0.1:${await freePort()}`;
    const broker = await harness.open([dead, amqpUrl()], { start: 'fail' });
    expect(broker.status().connected).toBe(true);
  });

  it('sends no more than may be unconfirmed, and refuses what waits too long for that', async () => {
    const owner = newRole();
    const broker = await harness.open(amqpUrl(), { maxUnconfirmed: 3, maxUnconfirmedBytes: 100 });
    const { texts } = await collect(broker, owner);
    await Promise.all(numbered(500).map((text) => broker.publish(message(owner, text))));
    await until('all', () => texts().length === 500);
    expect(texts()).toEqual(numbered(500));
    const hasty = await harness.open(amqpUrl(), { maxUnconfirmed: 1, publishTimeoutMs: 1 });
    const outcomes = await Promise.allSettled(numbered(500).map((text) => hasty.publish(message(owner, text))));
    const refused = outcomes.find(({ status }) => status === 'rejected');
    expect(refused).toMatchObject({ reason: { code: 'BROKER_UNAVAILABLE', retryable: true } });
  });
}
