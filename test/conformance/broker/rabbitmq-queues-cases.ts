import { afterEach, expect, it } from '@jest/globals';
import { type Inbox, type QueueMigration, type QueueState, RabbitMqQueues, type RabbitMqOptions } from 'agentmq/broker';
import {
  collect,
  collectDead,
  declare,
  gate,
  message,
  newAgent,
  newRole,
  numbered,
  textOf,
  topic,
} from 'agentmq/testing/conformance';
import { amqpUrl, until } from '../../support/index.js';
import type { RabbitMqHarness } from './rabbitmq-harness.js';

/** What `RabbitMqQueues` does with queues whose arguments differ. */
export function queuesCases(harness: RabbitMqHarness): void {
  const otherType = harness.queueType === 'quorum' ? 'classic' : 'quorum';
  const opened: RabbitMqQueues[] = [];
  afterEach(async () => void (await Promise.all(opened.splice(0).map((queues) => queues.close()))));

  const open = async (options: Partial<RabbitMqOptions> = {}): Promise<RabbitMqQueues> => {
    const { namespace, queueType } = harness;
    const queues = new RabbitMqQueues({
      url: amqpUrl(),
      namespace,
      queueType,
      ...options,
    });
    opened.push(queues);
    await queues.open();
    return queues;
  };
  const migrate = async (queues: RabbitMqQueues, inbox: Inbox): Promise<QueueMigration[]> => {
    const done: QueueMigration[] = [];
    await queues.migrate([inbox], (migration) => done.push(migration));
    return done;
  };
  const differing = (states: readonly QueueState[]): string[] =>
    states.flatMap(({ queue, differences }) =>
      differences.map(
        ({ argument, wanted, found }) => `${queue.split('.').slice(2).join('.')} ${argument} ${found}->${wanted}`,
      ),
    );

  it('tells all arguments that differ, and nothing of queues that do not exist', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const inbox = { owner, topics: [] };
    await declare(broker, owner);
    await broker.publish(message(owner, 'x'));
    const same = await open();
    expect(differing(await same.list([inbox]))).toEqual([]);
    const other = await open({ queueType: otherType, maxQueueSize: 7 });
    const states = await other.list([inbox, { owner: newRole(), topics: [] }]);
    expect(states.map(({ queue }) => queue)).toHaveLength(3);
    expect(states[2]).toMatchObject({ messages: 1, consumers: 0, aside: undefined });
    expect(differing(states)).toEqual(
      expect.arrayContaining([
        `${owner.name} x-queue-type ${harness.queueType}->${otherType}`,
        `${owner.name} x-max-length 10000->7`,
      ]),
    );
  });

  it.each(['role', 'agent'] as const)(
    'makes the inbox of %s anew that nobody reads, with all that waits in it',
    async (kind) => {
      const broker = await harness.connect();
      const owner = kind === 'role' ? newRole() : newAgent();
      const inbox: Inbox = { owner, topics: ['market.#'] };
      await declare(broker, owner, inbox.topics);
      const texts = numbered(100);
      for (const text of texts)
        await broker.publish(message(owner, text, { headers: { kept: text }, messageId: text }));
      await broker.publish(message(topic('market.a'), 'topic', { mandatory: true, persistent: false } as object));
      const queues = await open({ queueType: otherType, maxQueueSize: 5_000 });
      const done = await migrate(queues, inbox);
      expect(done.map(({ moved }) => moved).sort((a, b) => a - b)).toEqual(
        done.length === 3 ? [0, expect.any(Number), 101] : [0, 101],
      );
      expect(differing(await queues.list([inbox])).filter((line) => line.startsWith(owner.name))).toEqual([]);
      expect(await migrate(queues, inbox)).toEqual([]);
      const { received } = await collect(
        await harness.open(amqpUrl(), { queueType: otherType, maxQueueSize: 5_000 }),
        owner,
        inbox.topics,
      );
      await until('all', () => received.length >= 101);
      expect(received.map(textOf)).toEqual([...texts, 'topic']);
      expect(received[7]?.properties).toMatchObject({ messageId: '7', headers: { kept: '7' } });
      expect(received[100]?.properties.headers['agentmq-recipient']).toBe('topic:market.a');
      await broker.publish(message(topic('market.b'), 'bound still', { mandatory: true }));
      await until('it', () => received.length === 102);
    },
  );

  it('loses nothing while messages come and agents read, and what they hold ends', async () => {
    const options = { queueType: otherType } as const;
    const owner = newRole();
    const inbox: Inbox = { owner, topics: [] };
    await declare(await harness.connect(), owner);
    const texts = new Set<string>();
    const held = gate();
    const reader = await harness.open(amqpUrl(), options);
    await reader.consume(inbox, { prefetch: 20, concurrency: 10 }, async (incoming) => {
      if (textOf(incoming) === '3') await held.passed;
      texts.add(textOf(incoming));
    });
    const sender = await harness.connect();
    let sent = 0;
    let going = true;
    const sending = (async (): Promise<void> => {
      while (going) {
        const publication = message(owner, String(sent), { persistent: false } as object);
        // Refused is not lost: its sender knows.
        await until('it is taken', () =>
          sender.publish(publication).then(
            () => true,
            () => false,
          ),
        );
        sent++;
      }
    })();
    await until('some came', () => texts.size > 50);
    const done = await migrate(await open(options), inbox);
    expect(done.filter(({ queue }) => queue.includes(owner.name))).toMatchObject([
      { overtaken: false },
      { overtaken: false },
    ]);
    const before = texts.size;
    await until('more came', () => texts.size > before + 50);
    going = false;
    await sending;
    held.open();
    await until('all', () => texts.size === sent);
  });

  it('makes the queue of dead letters anew with what waits in it, and goes on where it was interrupted', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const inbox: Inbox = { owner, topics: [] };
    await declare(broker, owner);
    const text = owner.name;
    await broker.publish(message(owner, text, { expiration: 1, persistent: false } as object));
    await until('it has expired', async () => (await broker.inboxSize(owner)) === 0);
    const queues = await open({ queueType: otherType });
    await migrate(queues, inbox);
    // As an earlier run would have left it.
    const queue = `${harness.namespace}.role.${owner.name}`;
    const aside = `${harness.namespace}.moving.role.${owner.name}`;
    await harness.foreign(async (channel) => {
      await channel.assertQueue(aside, { durable: true, arguments: { 'x-queue-type': otherType } });
      channel.publish('', aside, Buffer.from('left aside'));
    });
    expect((await queues.list([inbox])).find((state) => state.queue === queue)).toMatchObject({ aside: 1 });
    await migrate(queues, inbox);
    const { texts } = await collect(await harness.open(amqpUrl(), { queueType: otherType }), owner);
    await until('what was left aside', () => texts().includes('left aside'));
    const dead = await collectDead(await harness.open(amqpUrl(), { queueType: otherType }), text);
    await until('the dead letter', () => dead.length === 1);
    expect(dead[0]).toMatchObject({ owner, reason: 'expired', recipient: owner });
    await migrate(await open(), inbox);
  });

  it('ends what was interrupted with nothing left aside, where copies of all that is published would gather', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const inbox: Inbox = { owner, topics: [] };
    await declare(broker, owner);
    const aside = `${harness.namespace}.moving.role.${owner.name}`;
    await harness.foreign(async (channel) => {
      await channel.assertQueue(aside, { durable: true });
      await channel.bindQueue(aside, `${harness.namespace}.direct`, `role.${owner.name}`);
    });
    const queues = await open();
    expect((await queues.list([inbox])).find(({ queue }) => queue.endsWith(owner.name))).toMatchObject({ aside: 0 });
    await migrate(queues, inbox);
    expect((await queues.list([inbox])).every((state) => state.aside === undefined)).toBe(true);
  });

  it('does not begin what could not be ended: more waits than the queue may hold then', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    await declare(broker, owner);
    for (const text of numbered(9)) await broker.publish(message(owner, text));
    const refused = migrate(await open({ maxQueueSize: 5 }), { owner, topics: [] });
    await expect(refused).rejects.toMatchObject({
      code: 'QUEUE_MOVE',
      message: expect.stringMatching(/9 messages wait/),
    });
    expect(await broker.inboxSize(owner)).toBe(9);
  });
}
