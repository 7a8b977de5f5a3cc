import { BrokerClosedError } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import { collect, declare, gate, message, newRole, numbered, textOf } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

export function lifecycleCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('says that it is connected, and after close that it is not', async () => {
    const broker = await harness.connect();
    await broker.start();
    expect(broker.status()).toMatchObject({ connected: true, blocked: false });
    await broker.close();
    await broker.close();
    expect(broker.status().connected).toBe(false);
  });

  it('refuses everything once it is closed', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    await broker.close();
    const closed = BrokerClosedError;
    await expect(broker.start()).rejects.toBeInstanceOf(closed);
    await expect(broker.publish(message(owner, 'x'))).rejects.toBeInstanceOf(closed);
    await expect(broker.request(message(owner, 'x'), { timeoutMs: 1_000 })).rejects.toBeInstanceOf(closed);
    await expect(broker.reply('x', { body: Buffer.alloc(0), properties: { headers: {} } })).rejects.toBeInstanceOf(
      closed,
    );
    await expect(collect(broker, owner)).rejects.toBeInstanceOf(closed);
  });

  it('survives subscribing and closing at the same time', async () => {
    const owner = newRole();
    const keeper = await harness.connect();
    const { received } = await collect(keeper, owner);
    const broker = await harness.connect();
    for (let round = 0; round < 5; round++) {
      const consumers = await Promise.all(numbered(4).map(() => collect(broker, owner, [`round.${round}`])));
      await Promise.all(consumers.map(({ consumer }) => consumer.close()));
    }
    const subscribing = Promise.allSettled(numbered(4).map(() => collect(broker, owner)));
    await broker.close();
    for (const outcome of await subscribing) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(BrokerClosedError);
    }
    await keeper.publish(message(owner, 'x'));
    await until('the message at the consumer that is left', () => received.length === 1);
  });

  it('lets running handlers end when a consumer closes, acknowledges them, and returns what was not started', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const other = await harness.connect();
    await declare(broker, owner);
    for (const text of numbered(10)) await broker.publish(message(owner, text));
    const hold = gate();
    const begun: string[] = [];
    const consumer = await broker.consume({ owner, topics: [] }, { prefetch: 6, concurrency: 2 }, async (incoming) => {
      begun.push(textOf(incoming));
      await hold.passed;
    });
    await until('two run', () => begun.length === 2);
    const closing = consumer.close(10_000);
    expect(consumer.close(10_000)).toBe(closing);
    await until('the others are back', async () => (await other.inboxSize(owner)) === 8);
    hold.open();
    await closing;
    expect(begun).toEqual(['0', '1']);
    const rest = await collect(other, owner);
    await until('the rest', () => rest.received.length === 8);
    expect(rest.texts()).toEqual(numbered(10).slice(2));
  });

  it('does not wait longer than told for a handler that does not end, and returns its message', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const late = gate();
    let begun = 0;
    const consumer = await broker.consume({ owner, topics: [] }, { prefetch: 2 }, () => {
      begun++;
      return late.passed;
    });
    await broker.publish(message(owner, 'x'));
    await until('it runs', () => begun === 1);
    const from = Date.now();
    await consumer.close(200);
    expect(Date.now() - from).toBeGreaterThanOrEqual(190);
    expect(Date.now() - from).toBeLessThan(3_000);
    late.open();
    const { received } = await collect(broker, owner);
    await until('it comes back', () => received.length === 1);
    expect(received[0]?.redelivered).toBe(true);
  });

  it('told again to close, waits no longer than the shorter of the times', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const late = gate();
    const begun = gate();
    const consumer = await broker.consume({ owner, topics: [] }, { prefetch: 2 }, () => {
      begun.open();
      return late.passed;
    });
    await broker.publish(message(owner, 'x'));
    await begun.passed;
    const from = Date.now();
    const closing = consumer.close(600_000);
    await Promise.all([closing, broker.close(200)]);
    expect(Date.now() - from).toBeLessThan(3_000);
    late.open();
  });

  it('lets handlers publish and answer while it closes', async () => {
    const owner = newRole();
    const next = newRole();
    const asker = await harness.connect();
    await declare(asker, next);
    const broker = await harness.connect();
    const hold = gate();
    const begun = gate();
    await broker.consume(
      { owner, topics: [] },
      { prefetch: 2 },
      async ({ properties: { replyTo = '', correlationId = '' }, body }) => {
        begun.open();
        await hold.passed;
        await broker.publish(message(next, 'follow-up'));
        await broker.reply(replyTo, { body, properties: { correlationId, headers: {} } });
      },
    );
    const answer = asker.request(message(owner, 'x'), { timeoutMs: 10_000 });
    await begun.passed;
    const closing = broker.close(10_000);
    hold.open();
    expect(textOf(await answer)).toBe('x');
    await closing;
    await until('the follow-up', async () => (await asker.inboxSize(next)) === 1);
  });

  it('keeps its word for everything published while it closes: confirmed and there, or rejected', async () => {
    const owner = newRole();
    const other = await harness.connect();
    const { received } = await collect(other, owner);
    const broker = await harness.connect();
    const outcomes = numbered(500).map((text) => broker.publish(message(owner, text)));
    const closing = broker.close(10_000);
    outcomes.push(...numbered(500, 'late ').map((text) => broker.publish(message(owner, text))));
    await closing;
    const settled = await Promise.allSettled(outcomes);
    const confirmed = settled.filter(({ status }) => status === 'fulfilled').length;
    expect(confirmed).toBeGreaterThanOrEqual(500);
    for (const outcome of settled) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(BrokerClosedError);
    }
    await until('all that was confirmed', () => received.length >= confirmed);
  });

  it('rejects requests that still wait when it closes', async () => {
    const owner = newRole();
    const { received } = await collect(await harness.connect(), owner);
    const broker = await harness.connect();
    const outcome = broker.request(message(owner, 'x'), { timeoutMs: 20_000 }).catch((error: unknown) => error);
    await until('it was received', () => received.length === 1);
    await broker.close();
    expect(await outcome).toBeInstanceOf(BrokerClosedError);
  });

  it('survives a restart of the broker: consumers return and no accepted message is missing', async () => {
    const server = await harness.restartable();
    const owner = newRole();
    const waiting = newRole();
    const sender = await server.connect();
    const receiver = await server.connect();
    await declare(sender, waiting);
    const { texts } = await collect(receiver, owner);
    const accepted = new Set<string>();
    const enough = new AbortController();
    const senders = numbered(4, 's').map(async (name) => {
      for (let index = 0; !enough.signal.aborted; index++) {
        const text = `${name} ${index}`;
        await sender.publish(message(owner, text)).then(
          () => accepted.add(text),
          () => undefined,
        );
        await sender.publish(message(waiting, text)).catch(() => undefined);
      }
    });
    await until('some were accepted', () => accepted.size > 100);
    const before = await sender.inboxSize(waiting);
    await server.restart();
    await until('both are connected again', () => sender.status().connected && receiver.status().connected, 20_000);
    const atRestart = accepted.size;
    await until('more were accepted', () => accepted.size > atRestart + 100, 20_000);
    enough.abort();
    await Promise.all(senders);
    await until('every accepted message', () => {
      const seen = new Set(texts());
      return [...accepted].every((text) => seen.has(text));
    });
    expect(await sender.inboxSize(waiting)).toBeGreaterThan(before ?? 0);
  }, 90_000);
}
