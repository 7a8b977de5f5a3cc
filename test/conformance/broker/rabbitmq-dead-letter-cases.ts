import { expect, it } from '@jest/globals';
import { collectDead, declare, message, newRole } from 'agentmq/testing/conformance';
import { amqpUrl, randomNamespace, until } from '../../support/index.js';
import type { RabbitMqHarness } from './rabbitmq-harness.js';

/** What RabbitMQ and foreign clients make of dead letters. */
export function rabbitMqDeadLetterCases(harness: RabbitMqHarness): void {
  const deadLetters = `${harness.namespace}.dead-letter`;

  it('declares their exchange, and their queue without a limit, with the first inbox', async () => {
    const broker = await harness.open(amqpUrl());
    await declare(broker, newRole());
    await harness.foreign(async (channel) => {
      await channel.assertExchange(deadLetters, 'fanout', { durable: true });
      await channel.assertQueue(deadLetters, {
        durable: true,
        arguments: {
          'x-queue-type': harness.queueType,
          ...(harness.queueType === 'quorum' ? { 'x-delivery-limit': 1_000_000_000 } : {}),
        },
      });
    });
  });

  it('takes what a foreign client rejected, and forgets how RabbitMQ counted its returns', async () => {
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    await declare(broker, owner);
    const text = randomNamespace('dead');
    await broker.publish(message(owner, text, { priority: 7, headers: { kept: 1 } }));
    await harness.foreign(async (channel) => {
      const queue = `${harness.namespace}.role.${owner.name}.high`;
      for (const requeue of [true, false]) {
        const taken = await until('it', async () => (await channel.get(queue)) || undefined);
        channel.nack(taken, false, requeue);
      }
    });
    const dead = await collectDead(broker, text);
    await until('the dead letter', () => dead.length === 1);
    expect(dead[0]).toMatchObject({ owner, recipient: owner, reason: 'rejected', count: 1 });
    expect(dead[0]?.properties.headers).toEqual({ kept: 1 });
  });

  it('takes what comes from a queue that is no inbox, or was put there by hand', async () => {
    const broker = await harness.open(amqpUrl());
    const text = randomNamespace('dead');
    const dead = await collectDead(broker, text);
    await harness.foreign(async (channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true, deadLetterExchange: deadLetters });
      await channel.bindQueue(queue, `${harness.namespace}.topic`, text);
      channel.publish(`${harness.namespace}.topic`, text, Buffer.from(text), { messageId: 'topic', expiration: 1 });
      channel.publish('', queue, Buffer.from(text), { messageId: 'queue', expiration: 1 });
      channel.publish(deadLetters, '', Buffer.from(text), { messageId: 'hand', headers: { 'x-death': 'nonsense' } });
      await until('all three', () => dead.length === 3);
    });
    const byId = new Map(dead.map((letter) => [letter.properties.messageId, letter]));
    const nowhere = { owner: undefined, recipient: undefined };
    expect(byId.get('topic')).toMatchObject({
      owner: undefined,
      reason: 'expired',
      recipient: { kind: 'topic', name: text },
    });
    expect(byId.get('queue')).toMatchObject({ ...nowhere, reason: 'expired', count: 1 });
    expect(byId.get('hand')).toMatchObject({ ...nowhere, reason: 'unknown', count: 1, properties: { headers: {} } });
  });

  it('go on, and inboxes can be declared, after a message with a malformed x-death header has died', async () => {
    const node = await harness.node();
    const broker = await harness.open(node.url);
    const owner = newRole();
    await declare(broker, owner);
    const dead = await collectDead(broker, owner.name);
    // A list of something else than tables makes a classic queue of RabbitMQ 3.10 unusable.
    const malformed = harness.queueType === 'quorum' ? ['nonsense', [1, 'a'], [{ queue: 5 }]] : ['nonsense', { a: 1 }];
    for (const [index, death] of malformed.entries()) {
      await harness.foreign(async (channel) => {
        const options = { headers: { 'x-death': death }, expiration: '1', persistent: true };
        channel.publish(`${harness.namespace}.direct`, `role.${owner.name}`, Buffer.from('poison'), options);
      }, node.url);
      await broker.publish(message(owner, owner.name, { expiration: 1_000 + index, messageId: `good ${index}` }));
    }
    await until('the good ones', () => dead.length === malformed.length);
    const other = newRole();
    await declare(broker, other);
    await broker.publish(message(other, owner.name, { expiration: 1, messageId: 'in another' }));
    await until('one of another inbox', () => dead.length === malformed.length + 1);
    expect(broker.status()).toMatchObject({ connected: true });
    for (const inbox of [owner, other]) await broker.deleteInbox(inbox);
  }, 60_000);

  it('declares their queue again when it is deleted under its consumer', async () => {
    const broker = await harness.open(amqpUrl());
    const owner = newRole();
    await declare(broker, owner);
    const text = randomNamespace('dead');
    const dead = await collectDead(broker, text);
    await harness.foreign((channel) => channel.deleteQueue(deadLetters));
    await until('the loss', () => !broker.status().connected);
    await until('the queue', () => broker.status().connected);
    await broker.publish(message(owner, text, { expiration: 1 }));
    await until('the dead letter', () => dead.length === 1);
  });
}
