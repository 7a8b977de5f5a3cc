import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Ctx, Handle, MessageContext, Subscribe } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';
import { Explainer } from 'agentmq/operations';
import { Contract } from 'agentmq/protocol';
import { OutboxFullError } from 'agentmq/messaging';
import { HealthProbes, Metrics } from 'agentmq/telemetry';
import { IsInt } from 'class-validator';
import { DataSource } from 'typeorm';
import { databaseUrl, TcpProxy, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'parcel' })
class Parcel {
  @IsInt()
  n!: number;
}

@Contract({ type: 'news' })
class News {
  @IsInt()
  n!: number;
}

@Contract({ type: 'hint', durable: false })
class Hint {
  @IsInt()
  n!: number;
}

@Agent({ role: 'sender' })
class Sender {}

function receiver() {
  const handled: number[] = [];
  /** Of each parcel, how the copy that was handled was numbered on the wire. */
  const copies = new Map<number, number>();

  @Agent({ role: 'receiver' })
  class Receiver {
    @Handle(Parcel)
    parcel({ n }: Parcel, @Ctx() { message }: MessageContext): void {
      copies.set(n, message.attempt);
      handled.push(n);
    }

    @Subscribe('news.*', News)
    news({ n }: News): void {
      handled.push(n);
    }
  }
  return { Receiver, handled, copies };
}

describe.each(['in_memory', testBus.name])('sends that wait (%s)', (busType) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
  const { Receiver, handled, copies } = receiver();
  let agents: AgentClient;

  beforeAll(async () => {
    await system.start({ id: 'receiver-1', controllers: [Receiver] });
    agents = (await system.start({ id: 'sender-1', controllers: [Sender] })).get(AgentClient);
  });
  afterAll(() => system.close());

  const to = { role: 'receiver' };
  const deliveryOf = async (id: string) => (await system.store.history.find(id))?.deliveries[0];
  const received = (id: string) =>
    until('the completion', async () => {
      const delivery = await deliveryOf(id);
      return delivery?.state === 'completed' ? delivery : undefined;
    });

  it("a delayed message is received after its delay, by the database's clock, and not before", async () => {
    const before = await system.store.database.now();
    const { messageId, deliverAt, expiresAt } = await agents.send(to, Parcel, { n: 1 }, { delay: 1_500, ttl: 1_000 });
    expect(await deliveryOf(messageId)).toMatchObject({ state: 'pending' });
    expect(expiresAt?.getTime()).toBe((deliverAt?.getTime() ?? 0) + 1_000);
    const { receivedAt } = await received(messageId);
    expect(receivedAt?.getTime()).toBeGreaterThanOrEqual(before.getTime() + 1_500);
    expect(receivedAt?.getTime()).toBeGreaterThanOrEqual(deliverAt?.getTime() ?? Infinity);
    expect(handled).toEqual([1]);
  });

  it('a message for a certain time is received then; for a time that has passed, at once', async () => {
    const at = new Date((await system.store.database.now()).getTime() + 1_200);
    const later = await agents.publish('news.world', News, { n: 3 }, { deliverAt: at });
    const past = await agents.send(to, Parcel, { n: 2 }, { deliverAt: new Date(0) });
    await received(past.messageId);
    expect(handled).toEqual([1, 2]);
    const { receivedAt } = await received(later.messageId);
    expect(receivedAt?.getTime()).toBeGreaterThanOrEqual(at.getTime());
    expect(handled).toEqual([1, 2, 3]);
  });

  it('a delayed message is no copy', async () => {
    const { messageId } = await agents.send(to, Parcel, { n: 4 }, { delay: 1 });
    await received(messageId);
    expect(copies.get(4)).toBe(1);
  });

  it.each([
    ['delay', { delay: -1 }],
    ['delay', { delay: Number.NaN }],
    ['delay', { delay: Number.MAX_VALUE }],
    ['deliverAt', { deliverAt: new Date(Number.NaN) }],
    ['deliverAt', { deliverAt: new Date(), delay: 1 }],
    ['wait', { wait: -1 }],
  ])('a bad %s is told by name', async (field, options) => {
    await expect(agents.send(to, Parcel, { n: 0 }, options)).rejects.toMatchObject({ code: 'INVALID_MESSAGE', field });
  });

  it('a message that is not stored can not be delayed', async () => {
    await expect(agents.send(to, Hint, { n: 0 }, { delay: 1 })).rejects.toMatchObject({ field: 'delay' });
    await expect(agents.send(to, Hint, { n: 0 }, { deliverAt: new Date() })).rejects.toMatchObject({
      field: 'deliverAt',
    });
  });
});

describe("a send in a caller's own transaction", () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  const { Receiver, handled, copies } = receiver();
  const source = new DataSource({ type: 'postgres', url: databaseUrl() });
  let agents: AgentClient;

  beforeAll(async () => {
    await source.initialize();
    await system.start({ id: 'receiver-1', controllers: [Receiver] });
    agents = (await system.start({ id: 'sender-1', controllers: [Sender] })).get(AgentClient);
  });
  afterAll(async () => {
    await source.destroy();
    await system.close();
  });

  it('commits with it, and is then received', async () => {
    await source.transaction(async (transaction) => {
      const { messageId } = await agents.send({ role: 'receiver' }, Parcel, { n: 1 }, { transaction });
      expect(await system.store.history.find(messageId)).toBeUndefined();
    });
    await until('the message', () => handled.includes(1));
    expect(copies.get(1)).toBe(1);
  });

  it('vanishes with it', async () => {
    const sent = await source
      .transaction(async (transaction) => {
        throw await agents.send({ role: 'receiver' }, Parcel, { n: 2 }, { transaction });
      })
      .catch((envelope: { messageId: string }) => envelope);
    expect(await system.store.history.find(sent.messageId)).toBeUndefined();
    const after = await agents.send({ role: 'receiver' }, Parcel, { n: 3 });
    await until('a later one', async () => (await system.store.history.find(after.messageId))?.published);
    expect(handled).not.toContain(2);
  });

  it('is refused in no transaction, and for a message that is not stored', async () => {
    const { manager } = source;
    const refused = { code: 'INVALID_MESSAGE', field: 'transaction' };
    await expect(agents.send({ role: 'receiver' }, Parcel, { n: 0 }, { transaction: manager })).rejects.toMatchObject(
      refused,
    );
    await source.transaction(async (transaction) => {
      const hint = agents.send({ role: 'receiver' }, Hint, { n: 0 }, { transaction });
      await expect(hint).rejects.toMatchObject(refused);
    });
  });
});

describe('an outbox at its limit', () => {
  let proxy: TcpProxy;
  let system: TestSystem;
  const { Receiver, handled } = receiver();

  beforeAll(async () => {
    system = new TestSystem({ MESSAGE_STORE_OUTBOX_LIMIT: '20' });
    proxy = await TcpProxy.before(system.settings.bus.urls[0] ?? '');
  });
  afterAll(async () => {
    await system.close();
    await proxy.close();
  });

  it('refuses with a typed error while the broker is away, and takes again when it is back', async () => {
    const urls = [proxy.through(system.settings.bus.urls[0] ?? '')];
    await system.start({ id: 'receiver-1', controllers: [Receiver], urls });
    const agents = (await system.start({ id: 'sender-1', controllers: [Sender], urls })).get(AgentClient);
    proxy.refuse();
    proxy.cut();
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    const results = await Promise.allSettled(numbers.map((n) => agents.send({ role: 'receiver' }, Parcel, { n })));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(refused).toHaveLength(10);
    expect(refused[0]).toBeInstanceOf(OutboxFullError);
    expect(refused[0]).toMatchObject({ code: 'OUTBOX_FULL', retryable: true, limit: 20 });

    const inVain = performance.now();
    await expect(agents.send({ role: 'receiver' }, Parcel, { n: 99 }, { wait: 400 })).rejects.toMatchObject({
      code: 'OUTBOX_FULL',
    });
    expect(performance.now() - inVain).toBeGreaterThanOrEqual(390);

    const patient = agents.send({ role: 'receiver' }, Parcel, { n: 100 }, { wait: 60_000 });
    await proxy.accept();
    await patient;
    await until('all that were taken', () => handled.includes(100) && handled.length === 21, 60_000);
    expect(handled.toSorted((a, b) => a - b)).toEqual([...numbers.slice(0, 20), 100]);
  }, 120_000);
});

describe('an inbox that is full', () => {
  const system = new TestSystem({
    MESSAGE_BUS_MAX_QUEUE_SIZE: '20',
    MESSAGE_STORE_OUTBOX_LIMIT: '100',
    MESSAGE_STORE_REPLAY_INTERVAL: '1',
  });
  const { Receiver, handled, copies } = receiver();
  const heard: number[] = [];
  let proxy: TcpProxy;

  @Agent({ role: 'listener' })
  class Listener {
    @Subscribe('news.*', News, { scope: 'instance' })
    news({ n }: News): void {
      heard.push(n);
    }
  }

  beforeAll(async () => {
    proxy = await TcpProxy.before(system.settings.bus.urls[0] ?? '');
  });
  afterAll(async () => {
    await system.close();
    await proxy.close();
  });

  it('of an instance that is gone disturbs no sender and no other inbox, is told, and gets everything when it is back', async () => {
    await system.start({ id: 'receiver-1', controllers: [Receiver] });
    const urls = [proxy.through(system.settings.bus.urls[0] ?? '')];
    await system.start({ id: 'gone-1', controllers: [Listener], urls });
    const sender = await system.start({ id: 'sender-1', controllers: [Sender] });
    const agents = sender.get(AgentClient);
    proxy.refuse();
    proxy.cut();
    const published = Array.from({ length: 160 }, (_, n) => n);
    for (let n = 0; n < published.length; n += 10) {
      await Promise.all(published.slice(n, n + 10).map((each) => agents.publish('news.world', News, { n: each })));
      await Promise.all(
        published.slice(n, n + 10).map((each) => agents.send({ role: 'receiver' }, Parcel, { n: 1_000 + each })),
      );
    }
    await until('all at the other inbox', () => handled.length === 320, 30_000);
    const store = sender
      .get(HealthProbes)
      .all()
      .find(({ name }) => name === 'message_store');
    const told = await until('the full inbox to be told', async () => {
      const { status, data } = (await store?.check()) ?? {};
      return status === 'degraded' && data ? data : undefined;
    });
    expect(told).toMatchObject({ refusing: [{ inbox: 'agent.gone-1', since: expect.any(String) }] });
    expect(await sender.get(Metrics).registry.metrics()).toMatch(/agentmq_outbox_refused\{inbox="agent.gone-1"\} \d+/);
    expect(handled.length).toBe(320);
    expect(heard).toEqual([]);
    const messageStore = sender.get(Store);
    const owed = await messageStore.search.search({ consumer: 'agent.gone-1', state: 'unpublished' }, 1);
    expect(await new Explainer(messageStore, { liveMs: 60_000 }).explain(owed.messages[0]?.id ?? '')).toContainEqual(
      expect.objectContaining({
        consumer: 'agent.gone-1',
        reason: 'inbox_full',
        text: expect.stringMatching(/^The inbox of agent.gone-1 has been full for /),
      }),
    );
    await proxy.accept();
    await until('all at the inbox that was full', () => heard.length === 160, 60_000);
    expect(heard.toSorted((a, b) => a - b)).toEqual(published);
    await until('nothing refused', async () => (await store?.check())?.status === 'up', 30_000);
    expect(copies.size).toBe(160);
  }, 120_000);
});
