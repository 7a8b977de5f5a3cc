import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { StoreUnavailableError } from 'agentmq/database';
import { Metrics } from 'agentmq/telemetry';
import { IsInt } from 'class-validator';
import { type OwnBroker, PostgresServer, TcpProxy, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';
import { healthCases } from './health-cases.js';

@Contract({ type: 'numbered' })
class Numbered {
  @IsInt()
  n!: number;
}

@Contract({ type: 'held' })
class Held {
  @IsInt()
  n!: number;
}

function counter() {
  const handled: number[] = [];
  const attempts: string[] = [];
  const gates: (() => void)[] = [];
  let aborted = 0;

  @Agent({ role: 'counter' })
  class Counter {
    @Handle(Numbered)
    count({ n }: Numbered): void {
      handled.push(n);
    }

    /** Holds the first attempt until its gate opens; later ones return at once. */
    @Handle(Held)
    async hold({ n }: Held, @Ctx() { message, signal }: MessageContext): Promise<void> {
      attempts.push(message.messageId);
      signal.addEventListener('abort', () => aborted++);
      if (attempts.length === 1) await new Promise<void>((open) => gates.push(open));
      handled.push(n);
    }
  }
  return { Counter, handled, attempts, gates, abortedCount: () => aborted };
}

@Agent({ role: 'sender' })
class Sender {}

describe('servers that go away', () => {
  let broker: OwnBroker;
  let postgres: PostgresServer;
  let system: TestSystem;
  let agents: AgentClient;
  let sender: INestApplicationContext;
  const { Counter, handled } = counter();

  beforeAll(async () => {
    [broker, postgres] = await Promise.all([testBus.start(), PostgresServer.start()]);
    system = new TestSystem({ ...testBus.environment(broker.url), DATABASE_URL: postgres.url });
    await system.start({ id: 'counter-1', controllers: [Counter] });
    sender = await system.start({ id: 'sender-1', controllers: [Sender] });
    agents = sender.get(AgentClient);
  }, 60_000);
  afterAll(async () => {
    await system.close();
    await Promise.all([broker.stop(), postgres.stop()]);
  }, 60_000);

  const send = (numbers: number[]) =>
    Promise.all(numbers.map((n) => agents.send({ role: 'counter' }, Numbered, { n })));
  const allCompleted = (count: number) =>
    until(
      `${count} completed`,
      async () => (await system.store.history.counts()).deliveries.completed === count && handled.length >= count,
      60_000,
    );

  /** Resolves when the sender's metrics of what is shared are these, and its own beside them. */
  const tells = (what: string, expected: readonly string[]) =>
    until(what, async () => {
      const names = (await sender.get(Metrics).registry.metrics()).matchAll(/^agentmq_(\w+)[ {]/gm);
      const told = new Set([...names].map(([, name]) => name));
      const shared = ['open_deliveries', 'dead_letters', 'outbox_entries', 'outbox_oldest_age_seconds', 'queue_depth'];
      expect(told).toContain('messages_sent_total');
      return shared.filter((name) => told.has(name)).join() === expected.join();
    });
  const OF_THE_STORE = ['open_deliveries', 'dead_letters', 'outbox_entries', 'outbox_oldest_age_seconds'];

  it('broker down: durable sends succeed, and go out when it is back', async () => {
    await send([1, 2, 3]);
    await allCompleted(3);
    await broker.kill();
    await until('the loss to be noticed', () => handled.length === 3);
    await send([4, 5, 6]);
    expect((await system.store.history.counts()).messages).toBe(6);
    await tells('metrics without the broker', OF_THE_STORE);
    await broker.up();
    await allCompleted(6);
    expect(new Set(handled)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  }, 120_000);

  it('database down: sends fail with a typed, retryable error; what was fetched waits and is handled when it is back', async () => {
    await postgres.kill();
    const error = await agents.send({ role: 'counter' }, Numbered, { n: 0 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect((error as StoreUnavailableError).retryable).toBe(true);
    await tells('metrics without the database', ['queue_depth']);
    await postgres.up();
    await until(
      'a send to succeed',
      () =>
        send([7]).then(
          () => true,
          () => false,
        ),
      30_000,
    );
    await until('number 7', () => handled.includes(7), 30_000);
    expect(handled).not.toContain(0);
    await tells('all metrics', [...OF_THE_STORE, 'queue_depth']);
  }, 120_000);

  describe('readiness', () => healthCases(() => ({ broker, postgres })));

  it('database down: a send that waits when its agent stops is told that the agent has stopped', async () => {
    await postgres.kill();
    const waiting = agents.send({ role: 'counter' }, Numbered, { n: 8 }, { wait: 60_000 });
    const outcome = waiting.catch((error: unknown) => error);
    await sender.close();
    expect(await outcome).toMatchObject({ code: 'BUS_STOPPED', retryable: true });
    await postgres.up();
  }, 120_000);
});

describe('a consumer that loses its connection while it handles', () => {
  let proxy: TcpProxy;
  let system: TestSystem;
  const { Counter, attempts, gates } = counter();

  beforeAll(async () => {
    system = new TestSystem();
    const [url] = system.settings.bus.urls;
    proxy = await TcpProxy.before(url ?? '');
  });
  afterAll(async () => {
    await system.close();
    await proxy.close();
  });

  it('another attempt takes over and completes; the first one, coming late, can not', async () => {
    const [direct] = system.settings.bus.urls;
    await system.start({ id: 'counter-cut', controllers: [Counter], urls: [proxy.through(direct ?? '')] });
    const agents = (await system.start({ id: 'sender-2', controllers: [Sender] })).get(AgentClient);
    const { messageId } = await agents.send({ role: 'counter' }, Held, { n: 1 });
    await until('the first attempt', () => gates.length === 1);
    proxy.cut();
    await until('the second attempt', () => attempts.length === 2, 30_000);
    const completed = await until('completion', async () => {
      const found = await system.store.history.find(messageId);
      return found?.deliveries[0]?.state === 'completed' ? found.deliveries[0] : undefined;
    });
    expect(completed.attempt).toBe(2);
    gates[0]?.();
    const after = await system.store.history.find(messageId);
    expect(after?.deliveries[0]).toMatchObject({ state: 'completed', attempt: 2, finishedAt: completed.finishedAt });
    expect(await system.store.deliveries.complete([{ messageId, consumer: 'role.counter', attempt: 1 }])).toEqual([
      false,
    ]);
  }, 60_000);
});

describe('a graceful stop', () => {
  it('lets a running handler end, and completes its message', async () => {
    const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
    const { Counter, handled, gates } = counter();
    const agent = await system.start({ id: 'counter-stop', controllers: [Counter] });
    const agents = (await system.start({ id: 'sender-3', controllers: [Sender] })).get(AgentClient);
    const { messageId } = await agents.send({ role: 'counter' }, Held, { n: 1 });
    await until('the handler', () => gates.length === 1);
    const closing = agent.close();
    gates[0]?.();
    await closing;
    expect(handled).toEqual([1]);
    expect((await system.store.history.find(messageId))?.deliveries[0]?.state).toBe('completed');
    await system.close();
  });

  it('gives back what does not end in time, and another instance handles it', async () => {
    const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', SHUTDOWN_TIMEOUT: '0' });
    const { Counter, handled, gates, abortedCount } = counter();
    const agent = await system.start({ id: 'counter-slow', controllers: [Counter] });
    const agents = (await system.start({ id: 'sender-4', controllers: [Sender] })).get(AgentClient);
    await agents.send({ role: 'counter' }, Held, { n: 1 });
    await until('the handler', () => gates.length === 1);
    await agent.close();
    expect(abortedCount()).toBe(1);
    await system.start({ id: 'counter-next', controllers: [Counter] });
    await until('the other instance', () => handled.length === 1);
    await system.close();
  });
});
