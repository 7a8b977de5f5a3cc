import type { BrokerHarness } from './harness.js';
import { collect, declare, everyone, gate, message, newAgent, newRole, numbered, textOf } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

export function pauseCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('takes nothing while it is paused, and then no more at once than its concurrency', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const other = await harness.connect();
    await declare(broker, owner);
    const sizeOf = (): Promise<number | undefined> => other.inboxSize(owner);
    const hold = gate();
    const begun: string[] = [];
    let running = 0;
    let most = 0;
    const consumer = await broker.consume({ owner, topics: [] }, { prefetch: 12, concurrency: 2 }, async (incoming) => {
      most = Math.max(most, ++running);
      begun.push(textOf(incoming));
      await hold.passed;
      running--;
    });
    for (const text of numbered(5)) await broker.publish(message(owner, text));
    await until('two run, and the others are fetched', async () => begun.length === 2 && (await sizeOf()) === 0);

    consumer.pause();
    consumer.pause();
    await until('what was not started is back', async () => (await sizeOf()) === 3);
    for (const text of numbered(10).slice(5)) await broker.publish(message(owner, text));
    expect(await sizeOf()).toBe(8);

    consumer.resume();
    await until('some are fetched again', async () => ((await sizeOf()) ?? 8) < 8);
    expect(begun).toEqual(['0', '1']);
    hold.open();
    await until('all were handled', async () => begun.length === 10 && running === 0);
    expect(most).toBe(2);
    await until('none is left', async () => (await sizeOf()) === 0);
    await consumer.close();
    expect(await sizeOf()).toBe(0);
  });

  it('leaves to others what it does not take, and acknowledges what it has', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const hold = gate();
    let begun = 0;
    const consumer = await broker.consume({ owner, topics: [] }, { prefetch: 10, concurrency: 1 }, async () => {
      begun++;
      await hold.passed;
    });
    for (const text of numbered(6)) await broker.publish(message(owner, text));
    await until('one runs', () => begun === 1);
    consumer.pause();
    const { received, texts } = await collect(await harness.connect(), owner);
    await until('the others', () => received.length === 5);
    hold.open();
    await consumer.close();
    expect(texts().toSorted()).toEqual(numbered(6).slice(1));
    expect(await broker.inboxSize(owner)).toBe(0);
  });

  it('begins paused: the inbox is there and bound', async () => {
    const owner = newAgent();
    const broker = await harness.connect();
    const { consumer, texts } = await collect(broker, owner, ['news.*'], { prefetch: 10, paused: true });
    await broker.publish(message({ kind: 'topic', name: 'news.today' }, 'topic'));
    await broker.publish(message(everyone, 'broadcast'));
    await until('both wait', async () => (await broker.inboxSize(owner)) === 2);
    expect(texts()).toEqual([]);
    consumer.resume();
    await until('both come', () => texts().length === 2);
    expect(texts()).toEqual(['topic', 'broadcast']);
  });

  it('stays paused, and connected, over a lost connection, whatever its handler does', async () => {
    const owner = newRole();
    const { broker, blip } = await harness.connectFragile();
    const other = await harness.connect();
    const hold = gate();
    const begun: string[] = [];
    const consumer = await broker.consume({ owner, topics: [] }, { prefetch: 10, concurrency: 1 }, async (incoming) => {
      begun.push(textOf(incoming));
      if (begun.length === 1) await hold.passed;
    });
    await other.publish(message(owner, 'a'));
    await until('it runs', () => begun.length === 1);
    consumer.pause();
    blip();
    await until('the loss', () => broker.figures().connectionsLost > 0);
    await until('it to be connected again', () => broker.status().connected, 20_000);
    expect(broker.faults()).toEqual([]);
    await other.publish(message(owner, 'b'));
    await until('both wait', async () => (await other.inboxSize(owner)) === 2, 20_000);
    expect(begun).toEqual(['a']);
    hold.open();
    consumer.resume();
    await until('both come', () => begun.length === 3);
    await until('both are acknowledged', async () => (await other.inboxSize(owner)) === 0);
    expect(begun).toEqual(['a', 'a', 'b']);
  }, 60_000);

  it('paused and resumed at once, again and again, loses nothing and hands out nothing twice', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const handled: string[] = [];
    const consumer = await broker.consume({ owner, topics: [] }, { prefetch: 5, concurrency: 2 }, async (incoming) => {
      await new Promise(setImmediate);
      handled.push(textOf(incoming));
    });
    for (const text of numbered(200)) {
      await broker.publish(message(owner, text));
      if (Number(text) % 3 === 0) consumer.pause();
      if (Number(text) % 2 === 0) consumer.resume();
    }
    consumer.resume();
    await until('all', () => handled.length >= 200);
    await consumer.close();
    expect(handled.toSorted()).toEqual(numbered(200).toSorted());
    expect(await broker.inboxSize(owner)).toBe(0);
  });
}
