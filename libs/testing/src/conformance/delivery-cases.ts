import { InvalidMessageError } from 'agentmq/protocol';
import { MessageTooLargeError, NoRecipientError } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import {
  collect,
  type Collected,
  declare,
  everyone,
  message,
  newAgent,
  newRole,
  numbered,
  textOf,
  topic,
  uniqueName,
} from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

export function deliveryCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('delivers a message to a role and to an agent, with its properties, headers and recipient', async () => {
    const broker = await harness.connect();
    for (const owner of [newRole(), newAgent()]) {
      const { received } = await collect(broker, owner);
      const bytes = Buffer.from([0, 255]);
      const headers = { text: 'x', number: 5, yes: true, list: ['a', 1, bytes], nested: { deep: null }, bytes };
      const properties = {
        messageId: 'id-1',
        type: 'greeting',
        appId: 'tester',
        correlationId: 'c-1',
        timestamp: 1_700_000_000,
        priority: 5,
        expiration: 60_000,
        contentType: 'application/json',
        headers,
      };
      await broker.publish({
        recipient: owner,
        mandatory: true,
        persistent: true,
        properties,
        body: Buffer.from('{}'),
      });
      await until('the message', () => received.length === 1);
      expect(received[0]).toEqual({ recipient: owner, redelivered: false, properties, body: Buffer.from('{}') });
    }
  });

  it('publishes a topic to every inbox that subscribes to it, and says which topic it was', async () => {
    const broker = await harness.connect();
    const name = uniqueName('topic');
    const inboxes = await Promise.all(
      [newRole(), newRole(), newAgent()].map((owner) => collect(broker, owner, [name])),
    );
    const other = await collect(broker, newRole(), [`${name}.other`]);
    await broker.publish(message(topic(name), 'tick'));
    await until('a copy for each', () => inboxes.every(({ received }) => received.length === 1));
    expect(inboxes.map(({ received }) => received[0]?.recipient)).toEqual(inboxes.map(() => topic(name)));
    expect(other.received).toEqual([]);
  });

  it('matches * with one word and # with any number of words, wherever they stand', async () => {
    const broker = await harness.connect();
    const t = uniqueName('t');
    const patterns = ['*.b.c', 'a.*.c', 'a.b.*', '#.c', 'a.#', 'a.#.c', '#.b.#', '*.*', '#', 'a.b.c'].map(
      (end) => `${t}.${end}`,
    );
    const inboxes = await Promise.all(patterns.map((pattern) => collect(broker, newRole(), [pattern])));
    const topics = ['a', 'c', 'a.b', 'a.c', 'a.b.c', 'x.b.c', 'a.x.c', 'a.b.x', 'a.x.y.c', 'b'];
    for (const end of topics) await broker.publish(message(topic(`${t}.${end}`), end));
    const expected = [
      ['a.b.c', 'x.b.c'],
      ['a.b.c', 'a.x.c'],
      ['a.b.c', 'a.b.x'],
      ['c', 'a.c', 'a.b.c', 'x.b.c', 'a.x.c', 'a.x.y.c'],
      ['a', 'a.b', 'a.c', 'a.b.c', 'a.x.c', 'a.b.x', 'a.x.y.c'],
      ['a.c', 'a.b.c', 'a.x.c', 'a.x.y.c'],
      ['a.b', 'a.b.c', 'x.b.c', 'a.b.x', 'b'],
      ['a.b', 'a.c'],
      topics,
      ['a.b.c'],
    ];
    await until('all copies', () =>
      inboxes.every(({ received }, index) => received.length >= (expected[index]?.length ?? 0)),
    );
    expect(inboxes.map(({ texts }) => texts().sort())).toEqual(expected.map((texts) => [...texts].sort()));
  });

  it('delivers one copy to an inbox that two of its patterns match', async () => {
    const broker = await harness.connect();
    const name = uniqueName('topic');
    const { texts } = await collect(broker, newRole(), [`${name}.*`, `${name}.#`]);
    await broker.publish(message(topic(`${name}.a`), 'first'));
    await broker.publish(message(topic(`${name}.a`), 'last'));
    await until('the last', () => texts().includes('last'));
    expect(texts()).toEqual(['first', 'last']);
  });

  it('broadcasts to every instance, and to no role', async () => {
    const brokers = [await harness.connect(), await harness.connect()];
    const agents = await Promise.all(brokers.map((broker) => collect(broker, newAgent())));
    const role = await collect(await harness.connect(), newRole());
    for (const priority of [5, 9]) await brokers[0]?.publish(message(everyone, `p${priority}`, { priority }));
    await until('copies for both', () => agents.every(({ received }) => received.length === 2));
    expect(agents.map(({ received }) => received[0]?.recipient)).toEqual([everyone, everyone]);
    expect(role.received).toEqual([]);
  });

  it('shares the messages of a role among its instances, each message to one', async () => {
    const owner = newRole();
    const workers: Collected[] = [];
    for (let index = 0; index < 3; index++)
      workers.push(await collect(await harness.connect(), owner, [], { prefetch: 5 }));
    const texts = numbered(300);
    const sender = await harness.connect();
    await Promise.all(texts.map((text) => sender.publish(message(owner, text))));
    const all = (): string[] => workers.flatMap((worker) => worker.texts());
    await until('all messages', () => all().length >= texts.length);
    expect(all().sort()).toEqual([...texts].sort());
    for (const worker of workers) expect(worker.received.length).toBeGreaterThan(20);
  });

  it('keeps messages for a subscriber that is not there yet, or away', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const name = uniqueName('topic');
    await declare(broker, owner, [name]);
    await broker.publish(message(owner, 'direct'));
    await broker.publish(message(topic(name), 'topic'));
    await until('both wait', async () => (await broker.inboxSize(owner)) === 2);
    const late = await collect(await harness.connect(), owner, [name]);
    await until('both', () => late.received.length === 2);
    expect(late.texts()).toEqual(['direct', 'topic']);
    expect(late.received.some(({ redelivered }) => redelivered)).toBe(false);
  });

  it('rejects a mandatory message that nobody receives, and drops another one', async () => {
    const broker = await harness.connect();
    for (const recipient of [newRole(), newAgent(), topic(uniqueName('topic'))]) {
      for (const priority of [5, 9]) {
        const publication = message(recipient, 'x', { mandatory: true, priority });
        await expect(broker.publish(publication)).rejects.toBeInstanceOf(NoRecipientError);
        await broker.publish({ ...publication, mandatory: false });
      }
    }
  });

  it('tells mandatory messages that were returned from others sent at the same time', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const { texts } = await collect(broker, owner);
    const outcomes = await Promise.allSettled(
      numbered(200).map((text, index) => broker.publish(message(index % 3 === 0 ? newRole() : owner, text))),
    );
    const expected = numbered(200).filter((_, index) => index % 3 !== 0);
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(
      numbered(200).map((_, index) => index % 3 !== 0),
    );
    await until('the others', () => texts().length === expected.length);
    expect(texts()).toEqual(expected);
  });

  it('refuses at once what is too large or has an impossible expiration', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const large = { ...message(owner, ''), body: Buffer.alloc(16 * 1024 * 1024 + 1) };
    await expect(broker.publish(large)).rejects.toBeInstanceOf(MessageTooLargeError);
    await expect(broker.publish(message(owner, 'x', { expiration: -1 }))).rejects.toBeInstanceOf(InvalidMessageError);
    await expect(broker.request(large, { timeoutMs: 1_000 })).rejects.toBeInstanceOf(MessageTooLargeError);
    await broker.publish({ ...message(owner, ''), body: Buffer.alloc(5 * 1024 * 1024, 'a') });
    await until('a 5 MiB body', () => received.length === 1);
    expect(received[0]?.body.length).toBe(5 * 1024 * 1024);
  });

  it('carries empty bodies, and bytes that are no text', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const bytes = Buffer.from([0, 255, 206, 10, 13, 0]);
    for (const body of [Buffer.alloc(0), bytes]) await broker.publish({ ...message(owner, ''), body });
    await until('both', () => received.length === 2);
    expect(received.map(({ body }) => [...body])).toEqual([[], [...bytes]]);
  });

  it('gives each receiver bytes of its own, and takes none of the sender', async () => {
    const broker = await harness.connect();
    const name = uniqueName('topic');
    const spoiler = newRole();
    await broker.consume({ owner: spoiler, topics: [name] }, { prefetch: 1 }, async ({ body }) => void body.fill(0));
    const { received } = await collect(broker, newRole(), [name]);
    const body = Buffer.from('intact');
    const sent = broker.publish({ ...message(topic(name), ''), body });
    await sent;
    body.fill(0);
    await until('the message', () => received.length === 1);
    expect(received.map(textOf)).toEqual(['intact']);
  });

  it('never delivers inside the call that publishes', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const published = broker.publish(message(owner, 'x'));
    expect(received).toEqual([]);
    await published;
    await until('the message', () => received.length === 1);
  });

  it('knows how much waits in an inbox, and removes inboxes', async () => {
    const broker = await harness.connect();
    const owner = newAgent();
    expect(await broker.inboxSize(owner)).toBeUndefined();
    await declare(broker, owner);
    for (const priority of [0, 5, 9]) await broker.publish(message(owner, 'x', { priority }));
    await until('three wait, in both lanes', async () => (await broker.inboxSize(owner)) === 3);
    await broker.deleteInbox(owner);
    await broker.deleteInbox(owner);
    expect(await broker.inboxSize(owner)).toBeUndefined();
    await expect(broker.publish(message(owner, 'x'))).rejects.toBeInstanceOf(NoRecipientError);
  });

  it('refuses a name whose queue would be the high lane of another inbox', async () => {
    const broker = await harness.connect();
    const owner = { kind: 'role', name: 'worker.high' } as const;
    await expect(collect(broker, owner)).rejects.toBeInstanceOf(InvalidMessageError);
  });
}
