import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, Handle, Subscribe } from 'agentmq/agent';
import { Broker } from 'agentmq/broker';
import { ConsoleModule } from 'agentmq/console';
import { Contracts, DeadLetters, Explainer, type ExplanationReason, Messages } from 'agentmq/operations';
import { Contract } from 'agentmq/protocol';
import { TestSystem } from 'agentmq/testing';
import { IsInt, IsOptional, IsString } from 'class-validator';

@Contract({ type: 'order', keys: ['order', 'urgent'], retry: { attempts: 2, delay: 60_000 } })
class Order {
  @IsInt()
  order!: number;

  @IsOptional()
  urgent?: boolean;
}
@Contract({ type: 'note' })
class Note {
  @IsString()
  text!: string;
}

/** What the desk does with an order, by its number. */
const doing = { fails: 1, hangs: 2 };

@Agent({ role: 'desk', concurrency: 1 })
class Desk {
  @Handle(Order)
  async take({ order }: Order): Promise<void> {
    if (order === doing.fails) throw new Error('no such article');
    if (order === doing.hangs) await new Promise(() => undefined);
  }

  @Subscribe('orders.*', Order)
  note(): void {
    // heard
  }
}

describe('a stored message', () => {
  let system: TestSystem;
  let messages: Messages;
  let explainer: Explainer;
  const desk = (id: string) => ({ id, controllers: [Desk] });
  const reasons = async (id: string): Promise<ExplanationReason[]> =>
    (await explainer.explain(id)).map(({ reason }) => reason);
  const sent = async (order: number, to = { role: 'desk' }, options = {}): Promise<string> =>
    (await system.send(to, Order, { order }, options)).messageId;

  beforeAll(async () => {
    const imports = [ConsoleModule.forRoot({ contracts: [Order] })];
    const apps = [{ id: 'monitor-1', imports, http: {} }, desk('desk-1')];
    system = await TestSystem.create({ apps, clock: true, logger: false });
    messages = system.get(Messages);
    explainer = system.get(Explainer);
  }, 60_000);
  afterAll(() => system.close());

  it('is found by each of what is searched for, and by all of it together', async () => {
    const { messageId: id, trace } = await system.send(
      { role: 'desk' },
      Order,
      { order: 4711, urgent: true },
      { correlationId: 'c 1' },
    );
    await system.publish('orders.new', Order, { order: 4712 });
    await system.quiet();
    const all = {
      id,
      type: 'order',
      consumer: 'role.desk',
      agent: 'desk-1',
      state: 'completed',
      from: new Date(Date.now() - 60_000),
      before: new Date(Date.now() + 60_000),
      traceId: trace?.traceparent.slice(3, 35) ?? '',
      correlationId: 'c 1',
      key: { name: 'order', value: '4711' },
    } as const;
    const row = {
      id,
      sender: 'test',
      recipient: 'role.desk',
      published: true,
      deliveries: [{ state: 'completed', agentId: 'desk-1' }],
    };
    for (const search of [...Object.entries(all).map(([name, value]) => ({ [name]: value })), all]) {
      expect({ search, ...(await messages.search(search)) }).toMatchObject({
        search,
        items: expect.arrayContaining([expect.objectContaining({ id })]),
      });
    }
    expect((await messages.search(all)).items).toMatchObject([
      {
        ...row,
        keys: [
          { name: 'order', value: '4711' },
          { name: 'urgent', value: 'true' },
        ],
      },
    ]);
    const others = {
      ...all,
      type: 'note',
      consumer: 'role.other',
      agent: 'other',
      state: 'dead',
      correlationId: 'c 2',
    };
    const elsewhere = {
      ...others,
      traceId: '0'.repeat(32),
      id: 'other',
      from: new Date(Date.now() + 60_000),
      before: new Date(0),
    };
    for (const [name, value] of Object.entries({ ...elsewhere, key: { name: 'order', value: '471' } }))
      expect({ name, ...(await messages.search({ ...all, [name]: value })) }).toMatchObject({ name, items: [] });
  });

  it('is on one page, whatever the limit, the newest first', async () => {
    for (let order = 100; order < 107; order++) await sent(order);
    await system.quiet();
    for (const filter of [
      {},
      { type: 'order' },
      { consumer: 'role.desk' },
      { agent: 'desk-1' },
      { state: 'completed' },
    ] as const) {
      const whole = await messages.search(filter);
      expect(whole).not.toHaveProperty('next');
      const ids: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await messages.search({ ...filter, limit: 2, ...(after === undefined ? {} : { after }) });
        ids.push(...page.items.map(({ id }) => id));
        after = page.next;
        if (after === undefined) break;
      }
      expect(ids).toEqual(whole.items.map(({ id }) => id));
      expect(ids.length).toBeGreaterThanOrEqual(9);
      expect(whole.items.map(({ storedAt }) => storedAt.getTime())).toEqual(
        whole.items.map(({ storedAt }) => storedAt.getTime()).sort((a, b) => b - a),
      );
    }
    await expect(messages.search({ after: 'no cursor' })).rejects.toMatchObject({ code: 'INVALID_SELECTION' });
  });

  it('is found by its keys also if it came over the wire', async () => {
    const body = Buffer.from(JSON.stringify({ order: 900, urgent: 'x'.repeat(201), unknown: 1 }));
    await system.get(Broker).publish({
      recipient: { kind: 'role', name: 'desk' },
      mandatory: true,
      persistent: true,
      body,
      properties: { messageId: 'foreign 900', type: 'order', contentType: 'application/json', headers: {} },
    } as never);
    await system.quiet();
    const { items } = await messages.search({ key: { name: 'order', value: '900' } });
    expect(items).toMatchObject([{ keys: [{ name: 'order', value: '900' }] }]);
    expect(await messages.read(items[0]?.id ?? '')).toMatchObject({ keys: [{ name: 'order', value: '900' }] });
  });

  it('that has ended says how: completed, dead, discarded, expired', async () => {
    const [good, bad] = [await sent(10), await sent(doing.fails)];
    const letters = system.get(DeadLetters);
    const ann = { name: 'ann', via: 'cli' } as const;
    await system.quiet();
    expect(await explainer.explain(good)).toMatchObject([
      {
        consumer: 'role.desk',
        reason: 'completed',
        agent: 'desk-1',
        text: expect.stringMatching(/^It was handled by desk-1 .* at attempt 1\.$/),
      },
    ]);
    const [retry] = await explainer.explain(bad);
    expect(retry).toMatchObject({
      reason: 'retry_due',
      error: { message: 'no such article' },
      until: expect.any(Date),
    });
    await system.advance(61_000);
    expect(await explainer.explain(bad)).toMatchObject([{ reason: 'dead', error: { message: 'no such article' } }]);
    await letters.discard(ann, { messageId: bad, consumer: 'role.desk' }, 'a test');
    expect(await explainer.explain(bad)).toMatchObject([
      { reason: 'discarded', text: expect.stringContaining('a test') },
    ]);
    expect(await reasons('none')).toEqual(['not_found']);
  });

  it('that is dead tells its keys, and what takes its place is found by its own', async () => {
    const [one, other] = [await sent(doing.fails), await sent(doing.fails)];
    await system.quiet();
    await system.advance(61_000);
    const url = `${await system.apps[0]?.http.getUrl()}/dead-letters/${one}`;
    expect(await (await fetch(url)).json()).toMatchObject({ id: one, keys: [{ name: 'order', value: '1' }] });
    const body = JSON.stringify({ payload: { order: 77 } });
    await fetch(`${url}/requeue`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    // by a program that does not know the contract
    const ref = { messageId: other, consumer: 'role.desk' };
    const { replacedBy: next } = await system
      .get(DeadLetters)
      .requeueEdited({ name: 'ann', via: 'cli' }, ref, '{"order": 78}');
    const found = async (value: string) => (await messages.search({ key: { name: 'order', value } })).items;
    expect(await found('77')).toHaveLength(1);
    expect(await found('78')).toMatchObject([{ id: next }]);
    // what a command leaves to idle agents is sent at their next look
    await system.advance(20_000);
    expect(await reasons(next)).toEqual(['completed']);
  });

  it('that is not there yet says why: delayed, outbox, no recipient', async () => {
    expect(await reasons(await sent(20, { role: 'desk' }, { delay: 60_000 }))).toEqual(['delayed']);
    const { messageId: unheard } = await system.publish('nobody.listens', Note, { text: '' });
    const lost = await sent(21, { role: 'nowhere' });
    await system.quiet();
    expect(await reasons(unheard)).toEqual(['no_recipient']);
    expect(await explainer.explain(lost)).toMatchObject([{ consumer: 'role.nowhere', reason: 'no_recipient' }]);
    system.broker.stop();
    const held = await sent(22);
    expect(await explainer.explain(held)).toMatchObject([{ reason: 'in_outbox' }]);
    system.broker.start();
    await system.advance(10_000);
    expect(await reasons(held)).toEqual(['completed']);
  });

  it('that waits at its consumer says for what: no handler, one that is busy, none at all, no inbox', async () => {
    const { messageId: note } = await system.send({ role: 'desk' }, Note, { text: '' });
    await system.quiet();
    expect(await explainer.explain(note)).toMatchObject([
      { reason: 'no_handler', text: expect.stringContaining('note@1'), until: expect.any(Date) },
    ]);

    const worker = await system.start(desk('busy-1'));
    await system.apps.find(({ id }) => id === 'desk-1')?.stop();
    const hanging = await sent(doing.hangs);
    await system.advance(1_000);
    const behind = await sent(30);
    await system.advance(1_000);
    expect(await explainer.explain(hanging)).toMatchObject([
      { reason: 'claimed', agent: 'busy-1', until: expect.any(Date) },
    ]);
    expect(await explainer.explain(behind)).toMatchObject([
      { reason: 'queued', text: expect.stringContaining('busy-1') },
    ]);
    worker.crash();
    await system.advance(40_000);
    expect(await explainer.explain(hanging)).toMatchObject([{ reason: 'lease_expired', agent: 'busy-1' }]);
    await system.advance(60_000);
    expect(await explainer.explain(behind)).toMatchObject([
      { reason: 'no_consumer', text: expect.stringContaining('busy-1'), queueDepth: expect.any(Number) },
    ]);

    const brief = await sent(31, { role: 'desk' }, { ttl: 1_000 });
    await system.advance(120_000);
    expect(await reasons(brief)).toEqual(['expired']);
    await system.get(Broker).deleteInbox({ kind: 'role', name: 'desk' });
    expect(await explainer.explain(behind)).toMatchObject([
      { reason: 'inbox_missing', text: expect.stringContaining('no inbox of role.desk any more') },
    ]);
    const missing = await sent(32);
    await system.advance(2_000);
    expect(await reasons(missing)).toEqual(['inbox_missing']);
  });

  it('is told of over HTTP, with the contracts that there are', async () => {
    const url = await system.apps[0]?.http.getUrl();
    const get = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
    const page = (await get('/messages?key=order:4711&type=order&limit=1')) as { items: { id: string }[] };
    expect(page.items).toHaveLength(1);
    const { id } = page.items[0] as { id: string };
    expect(await get(`/messages/${id}/explanation`)).toMatchObject({
      items: [{ reason: 'completed', consumer: 'role.desk' }],
    });
    expect((await fetch(`${url}/messages?key=order`)).status).toBe(400);
    await system.start(desk('desk-3'));
    expect(await get('/contracts')).toMatchObject({
      items: expect.arrayContaining([
        { type: 'order', version: 1, keys: ['order', 'urgent'], sensitive: false, handledBy: ['role.desk'] },
      ]),
    });
    expect(await system.get(Contracts).list()).not.toHaveLength(0);
  });
});
