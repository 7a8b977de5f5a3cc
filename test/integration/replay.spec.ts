import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Ctx, Handle, MessageContext, Subscribe } from 'agentmq/agent';
import { Contract, formatRecipient } from 'agentmq/protocol';
import { MessageBus, Replayer } from 'agentmq/messaging';
import { Audit, BulkChanges, DeadLetters, Explainer } from 'agentmq/operations';
import { IsBoolean, IsInt } from 'class-validator';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'item' })
class Item {
  @IsInt()
  n!: number;
}

@Contract({ type: 'tick' })
class Tick {
  @IsInt()
  n!: number;
}

@Contract({ type: 'order', retry: { attempts: 1 } })
class Order {
  @IsInt()
  n!: number;

  @IsBoolean()
  good!: boolean;
}

@Agent({ role: 'sender' })
class Sender {}

/** Handles nothing until its gate is opened, and fetches two messages at a time. */
function gatekeeper() {
  const handled: number[] = [];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));

  @Agent({ role: 'keeper', concurrency: 1, prefetch: 2 })
  class Keeper {
    @Handle(Item)
    async item({ n }: Item): Promise<void> {
      await gate;
      handled.push(n);
    }
  }
  return { Keeper, handled, open: () => open() };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('a queue that loses its messages under a running agent', () => {
  /** `interval` in s: how often the agent compares store and broker. */
  async function keeping(count: number, interval: number) {
    const system = new TestSystem({
      MESSAGE_STORE_REPLAY_INTERVAL: String(interval),
    });
    const { Keeper, handled, open } = gatekeeper();
    const keeper = await system.start({ id: 'keeper-1', controllers: [Keeper] });
    const sender = await system.start({ id: 'sender-1', controllers: [Sender] });
    const agents = sender.get(AgentClient);
    const inbox = { url: testBus.sharedUrl(), namespace: system.namespace, consumer: 'role.keeper' };
    const send = (numbers: number[]) => Promise.all(numbers.map((n) => agents.send({ role: 'keeper' }, Item, { n })));
    const queued = (): Promise<number> => testBus.waiting(inbox);
    await send(upTo(count));
    await until('all but what was fetched to be queued', async () => (await queued()) >= count - 2);
    await until('all to be settled in the outbox', async () => (await system.store.history.counts()).outbox === 0);
    const allHandledOnce = async (total: number): Promise<void> => {
      await until(
        'all to be completed',
        async () => (await system.store.history.counts()).deliveries.completed === total,
        60_000,
      );
      expect(handled.toSorted((a, b) => a - b)).toEqual(upTo(total));
    };
    return { system, keeper, sender, inbox, open, send, queued, allHandledOnce };
  }

  it('deleted: everything is handled, once, and long before the next comparison', async () => {
    const { system, keeper, sender, inbox, open, send, allHandledOnce } = await keeping(40, 3_600);
    await testBus.lose(inbox, 'delete');
    open();
    await allHandledOnce(40);

    await keeper.close();
    const [sent] = await send([40]);
    await until('it to be settled in the outbox', async () => (await system.store.history.counts()).outbox === 0);
    await testBus.lose(inbox, 'delete');
    const explainer = new Explainer(system.store, { bus: sender.get(MessageBus), liveMs: 60_000 });
    expect(await explainer.explain(sent?.messageId ?? '')).toMatchObject([{ reason: 'inbox_missing' }]);
    await system.close();
  }, 120_000);

  it('purged: everything is handled, once', async () => {
    const { system, inbox, open, allHandledOnce } = await keeping(40, 1);
    await testBus.lose(inbox, 'purge');
    open();
    await allHandledOnce(40);
    await system.close();
  }, 120_000);

  it('purged in the middle: what was lost is queued again beside what came later', async () => {
    const { system, inbox, open, send, queued, allHandledOnce } = await keeping(40, 1);
    await testBus.lose(inbox, 'purge');
    await send(upTo(45).slice(40));
    await until('most of them to be queued again', async () => (await queued()) >= 35, 60_000);
    open();
    await allHandledOnce(45);
    await system.close();
  }, 120_000);
});

describe('replay on command', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  const replayer = new Replayer(system.store, { outboxLimit: 1_000 });
  const early: number[] = [];
  const late: { n: number; recipient: string; attempt: number }[] = [];

  @Agent({ role: 'early' })
  class Early {
    @Subscribe('ticks.*', Tick)
    tick({ n }: Tick): void {
      early.push(n);
    }
  }

  @Agent({ role: 'late' })
  class Late {
    @Subscribe('ticks.#', Tick)
    tick({ n }: Tick, @Ctx() { message }: MessageContext): void {
      late.push({ n, recipient: formatRecipient(message.recipient), attempt: message.attempt });
    }
  }

  beforeAll(async () => {
    await system.start({ id: 'early-1', controllers: [Early] });
    const agents = (await system.start({ id: 'sender-1', controllers: [Sender] })).get(AgentClient);
    for (const n of upTo(12)) await agents.publish('ticks.a', Tick, { n });
    await until('the early ones', async () => (await system.store.history.counts()).deliveries.completed === 12);
    await system.start({ id: 'late-1', controllers: [Late] });
  });
  afterAll(() => system.close());

  it('counts only, when told so', async () => {
    const progress = await replayer.replay({ topic: 'ticks.*' }, { to: 'role.late', dryRun: true });
    expect(progress).toEqual({
      matched: 12,
      replayed: 12,
      preview: { counts: [{ consumer: 'role.late', type: 'tick', count: 12 }], sample: expect.any(Array) },
    });
    expect(progress.preview?.sample).toHaveLength(12);
    expect((await system.store.history.counts()).outbox).toBe(0);
  });

  it("a new role catches up on a topic's history, at the rate given, and only once", async () => {
    const begun = performance.now();
    const seen: number[] = [];
    const progress = await replayer.replay(
      { topic: 'ticks.*' },
      { to: 'role.late', rate: 12, onProgress: ({ replayed }) => seen.push(replayed) },
    );
    expect(progress).toEqual({ matched: 12, replayed: 12 });
    expect(performance.now() - begun).toBeGreaterThan(600);
    expect(seen.length).toBeGreaterThan(3);
    await until('the late ones', () => late.length >= 12);
    expect(late.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(upTo(12));
    expect(late.every(({ recipient, attempt }) => recipient === 'topic:ticks.a' && attempt > 1)).toBe(true);

    await until('their completion', async () => (await system.store.history.counts()).deliveries.completed === 24);
    expect(await replayer.replay({ topic: 'ticks.*' }, { to: 'role.late' })).toMatchObject({ replayed: 0 });
    expect(early).toHaveLength(12);
  });

  it('ends with the reason of its signal', async () => {
    const reason = new Error('enough');
    const abort = new AbortController();
    const replaying = replayer.replay(
      { topic: 'ticks.*', states: ['completed'] },
      { rate: 4, signal: abort.signal, onProgress: () => abort.abort(reason) },
    );
    await expect(replaying).rejects.toBe(reason);
    await expect(replayer.replay({}, { rate: 0 })).rejects.toMatchObject({ field: 'rate' });
  });
});

describe('dead letters', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  const audit = new Audit(system.store.database);
  const deadLetters = new DeadLetters(system.store, audit, { sender: 'operator', maxMessageBytes: 1_024 });
  const changes = new BulkChanges(system.store, audit, { outboxLimit: 1_000 });
  const ann = { name: 'ann', via: 'cli' } as const;
  const handled: { n: number; causationId: string | undefined }[] = [];
  const faulty = new Set<number>();
  let agents: AgentClient;

  @Agent({ role: 'clerk' })
  class Clerk {
    @Handle(Order)
    order({ n, good }: Order, @Ctx() { message }: MessageContext): void {
      if (!good || faulty.has(n)) throw new Error(`order ${n} is bad`);
      handled.push({ n, causationId: message.causationId });
    }

    @Subscribe('orders', Order)
    published(order: Order, @Ctx() context: MessageContext): void {
      this.order({ ...order, n: order.n + 100 }, context);
    }
  }

  beforeAll(async () => {
    await system.start({ id: 'clerk-1', controllers: [Clerk] });
    agents = (await system.start({ id: 'sender-1', controllers: [Sender] })).get(AgentClient);
  });
  afterAll(() => system.close());

  const consumer = 'role.clerk';
  const deliveryOf = async (id: string) => (await system.store.history.find(id))?.deliveries[0];
  const untilState = (messageId: string, state: string) =>
    until(`${messageId} to be ${state}`, async () => (await deliveryOf(messageId))?.state === state);
  async function dead(n: number, good: boolean): Promise<{ messageId: string; consumer: string }> {
    const { messageId } = await agents.send({ role: 'clerk' }, Order, { n, good });
    await untilState(messageId, 'dead');
    return { messageId, consumer };
  }

  /** At a role of which no agent is there. */
  async function alsoDead(messageId: string): Promise<void> {
    const rows = `"${system.store.database.schema}".deliveries`;
    await system.store.database.ownQuery(
      `INSERT INTO ${rows} (message_id, consumer, state, stored_at, attempt, finished_at)
       SELECT message_id, 'role.clerk2', 'dead', stored_at, attempt, finished_at FROM ${rows} WHERE message_id = $1`,
      [messageId],
    );
  }

  it('is listed and read; requeued, the same message is handled again', async () => {
    faulty.add(1);
    const ref = await dead(1, true);
    expect((await deadLetters.list({ consumer })).items.map(({ id }) => id)).toEqual([ref.messageId]);
    expect((await deadLetters.where(ref)).stored.deliveries[0]?.error?.message).toBe('order 1 is bad');
    faulty.clear();
    await deadLetters.requeue(ann, ref);
    await untilState(ref.messageId, 'completed');
    await expect(deadLetters.requeue(ann, ref)).rejects.toMatchObject({ code: 'NOT_DEAD', state: 'completed' });
  });

  it('all that a selection holds are requeued', async () => {
    faulty.add(2).add(3);
    const refs = [await dead(2, true), await dead(3, true)];
    faulty.clear();
    expect(await changes.requeue(ann, { consumer })).toEqual({ matched: 2, replayed: 2 });
    for (const { messageId } of refs) await untilState(messageId, 'completed');
  });

  it('requeued with another payload, a new message takes its place', async () => {
    const ref = await dead(4, false);
    const { replacedBy: replacement } = await deadLetters.requeueEdited(ann, ref, '{"n": 4, "good": true}');
    await untilState(replacement, 'completed');
    expect(handled).toContainEqual({ n: 4, causationId: ref.messageId });
    expect(await deliveryOf(ref.messageId)).toMatchObject({
      state: 'dead',
      discarded: { reason: `replaced by ${replacement}` },
    });
    const [old, next] = [await system.store.history.find(ref.messageId), await system.store.history.find(replacement)];
    expect(next?.message).toMatchObject({ sender: 'operator', causationId: ref.messageId, type: 'order' });
    expect(next?.message.trace?.traceparent.slice(3, 35)).toBe(old?.message.trace?.traceparent.slice(3, 35));
    expect(await deadLetters.list({ consumer })).toEqual({ items: [] });
  });

  it('the replacement of a published message is handled as published, at that consumer alone', async () => {
    const { messageId } = await agents.publish('orders', Order, { n: 5, good: false });
    await untilState(messageId, 'dead');
    const { replacedBy: replacement } = await deadLetters.requeueEdited(
      ann,
      { messageId, consumer },
      '{"n": 5, "good": true}',
    );
    await untilState(replacement, 'completed');
    expect((await system.store.history.find(replacement))?.deliveries).toHaveLength(1);
    expect(handled).toContainEqual({ n: 105, causationId: messageId });
  });

  it('discarded, it is listed no more unless asked for', async () => {
    const ref = await dead(6, false);
    await deadLetters.discard(ann, ref, 'not ours');
    expect(await deadLetters.list({ consumer })).toEqual({ items: [] });
    expect((await deliveryOf(ref.messageId))?.discarded?.reason).toBe('not ours');
    const listed = await deadLetters.list({ consumer, discarded: true });
    expect(listed.items.map(({ id }) => id)).toContain(ref.messageId);
  });

  it('replaced or discarded once, it is neither again, and the audit has one row of it', async () => {
    const [replaced, discarded] = [await dead(8, false), await dead(9, false)];
    const edited = '{"n": 8, "good": true}';
    // of two operators, or of one whose answer was lost
    const answers = await Promise.allSettled([1, 2].map(() => deadLetters.requeueEdited(ann, replaced, edited)));
    const [done] = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.replacedBy] : []));
    expect(answers.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'NOT_DEAD', message: expect.stringContaining(`was discarded: replaced by ${done}`) } },
    ]);
    await expect(deadLetters.requeueEdited(ann, replaced, edited)).rejects.toMatchObject({ code: 'NOT_DEAD' });
    await deadLetters.discard(ann, discarded, 'first');
    await expect(deadLetters.discard(ann, discarded, 'second')).rejects.toMatchObject({ code: 'NOT_DEAD' });
    const { items } = await audit.list({ limit: 3 });
    expect(items.map(({ action, target }) => [action, target.split(' ')[0]])).toEqual([
      ['dead-letters.discard', discarded.messageId],
      ['dead-letters.replace', replaced.messageId],
      ['dead-letters.discard', expect.any(String)],
    ]);
  });

  it('expired, it is replaced as one that is dead is', async () => {
    const ref = await dead(10, false);
    const deliveries = `"${system.store.database.schema}".deliveries`;
    await system.store.database.ownQuery(`UPDATE ${deliveries} SET state = 'expired' WHERE message_id = $1`, [
      ref.messageId,
    ]);
    const { replacedBy } = await deadLetters.requeueEdited(ann, ref, '{"n": 10, "good": true}');
    await untilState(replacedBy, 'completed');
    expect((await deliveryOf(ref.messageId))?.discarded?.reason).toBe(`replaced by ${replacedBy}`);
    await expect(deadLetters.requeue(ann, { messageId: ref.messageId })).rejects.toMatchObject({ code: 'NOT_DEAD' });
  });

  it('dead at several consumers, it is requeued and discarded at all of them, each with one row of the audit', async () => {
    const { messageId } = await agents.publish('orders', Order, { n: 11, good: false });
    await untilState(messageId, 'dead');
    await alsoDead(messageId);
    const consumers = ['role.clerk', 'role.clerk2'];
    const declined = () => Promise.reject(new Error('declined'));
    await expect(deadLetters.requeue(ann, { messageId }, declined)).rejects.toThrow('declined');
    await expect(deadLetters.requeueEdited(ann, { messageId }, '{}')).rejects.toMatchObject({ consumers });
    expect(await deadLetters.discard(ann, { messageId }, 'of both')).toEqual({ id: messageId, consumers });
    expect((await audit.list({ limit: 1 })).items).toMatchObject([
      { action: 'dead-letters.discard', target: `${messageId} at role.clerk, role.clerk2`, rows: 2 },
    ]);
    await deadLetters.requeue(ann, { messageId, consumer: 'role.clerk2' });
    expect((await deliveryOf(messageId))?.state).toBe('dead');
  });

  it('requeued by another operator meanwhile, it is told of where that was done alone, or refused there', async () => {
    const ben = { ...ann, name: 'ben' };
    const byBen = (id: string) => async (): Promise<void> => {
      await deadLetters.requeue(ben, { messageId: id, consumer: 'role.clerk2' });
    };
    const { messageId } = await agents.publish('orders', Order, { n: 12, good: false });
    await untilState(messageId, 'dead');
    await alsoDead(messageId);
    const done = await deadLetters.requeue(ann, { messageId }, byBen(messageId));
    expect(done).toEqual({ id: messageId, consumers: [consumer] });
    expect((await audit.list({ limit: 2 })).items).toMatchObject([
      { by: 'ann', target: `${messageId} at role.clerk`, rows: 1 },
      { by: 'ben', target: `${messageId} at role.clerk2`, rows: 1 },
    ]);
    await untilState(messageId, 'dead');

    const { messageId: other } = await agents.publish('orders', Order, { n: 13, good: true });
    await untilState(other, 'completed');
    await alsoDead(other);
    const refused = { code: 'NOT_DEAD', consumer: 'role.clerk2', state: 'pending' };
    await expect(deadLetters.requeue(ann, { messageId: other }, byBen(other))).rejects.toMatchObject(refused);
  });

  it('bad input is told by name, and changes nothing', async () => {
    const ref = await dead(7, false);
    for (const payload of ['{', '[]', 'null', '"x"']) {
      await expect(deadLetters.requeueEdited(ann, ref, payload)).rejects.toMatchObject({ field: 'payload' });
    }
    await expect(deadLetters.requeueEdited(ann, ref, JSON.stringify({ x: 'x'.repeat(1_024) }))).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
    });
    await expect(deadLetters.discard(ann, ref, ' ')).rejects.toMatchObject({ field: 'reason' });
    const unknown = { messageId: 'unknown', consumer };
    const notFound = { code: 'MESSAGE_NOT_FOUND', retryable: false };
    const elsewhere = deadLetters.requeue(ann, { ...ref, consumer: 'role.none' });
    await expect(elsewhere).rejects.toMatchObject({ code: 'DELIVERY_NOT_FOUND' });
    await expect(deadLetters.requeue(ann, unknown)).rejects.toMatchObject(notFound);
    await expect(deadLetters.requeueEdited(ann, unknown, '{}')).rejects.toMatchObject(notFound);
    await expect(deadLetters.discard(ann, unknown, 'gone')).rejects.toMatchObject(notFound);
    expect(await deliveryOf(ref.messageId)).toMatchObject({ state: 'dead', discarded: null });
  });
});
