import { BrokerOptionsError, QueueFullError } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import { collect, declare, gate, message, newRole, numbered, textOf } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

export function flowCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('keeps the order for one consumer with prefetch 1', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const texts = numbered(300);
    await declare(broker, owner);
    for (const priority of [1, 9]) {
      await Promise.all(texts.map((text) => broker.publish(message(owner, text, { priority }))));
    }
    const seen: Record<number, string[]> = { 1: [], 9: [] };
    let running = 0;
    let most = 0;
    await broker.consume({ owner, topics: [] }, { prefetch: 1 }, async (incoming) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      seen[incoming.properties.priority ?? 0]?.push(textOf(incoming));
    });
    await until('all', () => seen[1]?.length === texts.length && seen[9]?.length === texts.length);
    expect(seen).toEqual({ 1: texts, 9: texts });
    expect(most).toBe(1);
  });

  it('handles a message of priority 9, published last, among the first 200 when 5,000 of priority 1 wait', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    await declare(broker, owner);
    await Promise.all(numbered(5_000).map((text) => broker.publish(message(owner, text, { priority: 1 }))));
    await broker.publish(message(owner, 'urgent', { priority: 9 }));
    const { texts } = await collect(broker, owner, [], { prefetch: 100, concurrency: 10 });
    await until('all', () => texts().length === 5_001, 20_000);
    expect(texts().indexOf('urgent')).toBeLessThan(200);
  });

  it('lets urgent messages overtake when the normal ones already fill the prefetch', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const begun: string[] = [];
    const first = gate();
    await declare(broker, owner);
    await Promise.all(numbered(50).map((text) => broker.publish(message(owner, text, { priority: 1 }))));
    await broker.consume({ owner, topics: [] }, { prefetch: 10, concurrency: 1 }, async (incoming) => {
      begun.push(textOf(incoming));
      await first.passed;
    });
    await until('one runs', () => begun.length === 1);
    await broker.publish(message(owner, 'urgent', { priority: 7 }));
    await broker.publish(message(owner, 'most urgent', { priority: 10 }));
    await until('both are fetched', async () => (await broker.inboxSize(owner)) === 50 - 8);
    first.open();
    await until('all', () => begun.length === 52);
    expect(begun.slice(1, 3)).toEqual(['most urgent', 'urgent']);
  });

  it('does not deliver a message that expired while it waited', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    await declare(broker, owner);
    const sent = Date.now();
    for (const priority of [5, 9]) await broker.publish(message(owner, 'mortal', { expiration: 150, priority }));
    await broker.publish(message(owner, 'immortal'));
    await broker.publish(message(owner, 'long-lived', { expiration: 60_000 }));
    await until('it has expired', () => Date.now() > sent + 400);
    const { texts } = await collect(broker, owner);
    await until('the others', () => texts().includes('long-lived'));
    expect(texts()).toEqual(['immortal', 'long-lived']);
  });

  it('refuses what is more than the queue may hold, and takes more once there is room', async () => {
    const limit = 50;
    const broker = await harness.connect({ maxQueueSize: limit });
    const owner = newRole();
    await declare(broker, owner);
    const accepted: string[] = [];
    let refusal: unknown;
    for (const text of numbered(1_000)) {
      if (refusal) break;
      await broker.publish(message(owner, text)).then(
        () => accepted.push(text),
        (error: unknown) => (refusal = error),
      );
    }
    expect(refusal).toBeInstanceOf(QueueFullError);
    expect(refusal).toMatchObject({ retryable: true, recipient: owner });
    expect(accepted.length).toBeGreaterThanOrEqual(limit);
    expect(accepted.length).toBeLessThan(limit * 2);
    const { texts } = await collect(broker, owner);
    await until('what was accepted', () => texts().length === accepted.length);
    expect(texts()).toEqual(accepted);
    await until('room again', () =>
      broker.publish(message(owner, 'later')).then(
        () => true,
        () => false,
      ),
    );
  });

  it('runs no more handlers at once than the concurrency, and holds no more than the prefetch', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    await declare(broker, owner);
    for (const priority of [1, 9]) {
      await Promise.all(numbered(50).map((text) => broker.publish(message(owner, text, { priority }))));
    }
    const hold = gate();
    let running = 0;
    let most = 0;
    let ended = 0;
    await broker.consume({ owner, topics: [] }, { prefetch: 20, concurrency: 3 }, async () => {
      most = Math.max(most, ++running);
      await hold.passed;
      running--;
      ended++;
    });
    await until('20 are held', async () => (await broker.inboxSize(owner)) === 80);
    expect(running).toBe(3);
    hold.open();
    await until('all have ended', () => ended === 100);
    expect(most).toBe(3);
  });

  it('takes bursts that are far more than can be unconfirmed', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const { received } = await collect(broker, owner, [], { prefetch: 500 });
    await Promise.all(numbered(9_000).map((text) => broker.publish(message(owner, text))));
    await until('all', () => received.length === 9_000);
    expect(new Set(received.map(textOf)).size).toBe(9_000);
  });

  it('refuses a prefetch or a concurrency that is impossible', async () => {
    const broker = await harness.connect();
    for (const options of [{ prefetch: 0 }, { prefetch: 70_000 }, { prefetch: 1.5 }, { prefetch: 5, concurrency: 0 }]) {
      await expect(collect(broker, newRole(), [], options)).rejects.toBeInstanceOf(BrokerOptionsError);
    }
  });
}
