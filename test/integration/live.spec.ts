import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Agent, Contract, Handle, Subscribe } from 'agentmq';
import { loadSettings } from 'agentmq/agent';
import { ConsoleModule } from 'agentmq/console';
import { CoordinatorsModule } from 'agentmq/coordination';
import { Store } from 'agentmq/message-store';
import { MessageBus } from 'agentmq/messaging';
import {
  AgentList,
  type AgentRow,
  ConsumerFigures,
  type ConsumerRow,
  FactReader,
  type Flow,
  type Json,
  type LeaderRow,
  LiveView,
  type Overview,
  type Page,
  RecordedRoster,
} from 'agentmq/operations';
import { formatRecipient } from 'agentmq/protocol';
import { type TestApp, TestSystem } from 'agentmq/testing';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';

@Contract({ type: 'live_order', version: 2 })
class Order {
  @IsInt()
  n!: number;
}

@Agent({ role: 'shop' })
class Shop {
  @Handle(Order, { retry: { attempts: 1 } })
  take({ n }: Order): void {
    if (n < 0) throw new Error(`there is no order ${n}`);
  }
}

@Agent({ role: 'press' })
class Press {
  @Subscribe('orders.*', Order)
  read(): void {}
}

@Agent({ role: 'desk' })
class Desk {}

describe('the live view over HTTP', () => {
  let system: TestSystem;
  let url: string;
  let store: Store;
  let facts: FactReader;
  let roster: RecordedRoster;
  /** As a program without an app reads it. */
  let overview: Overview;
  const read = async <View>(path: string): Promise<Json<View>> =>
    (await fetch(url + path)).json() as Promise<Json<View>>;
  const itemsOf = async <Row>(path: string): Promise<readonly Json<Row>[]> => (await read<Page<Row>>(path)).items;

  beforeAll(async () => {
    system = await TestSystem.create({
      apps: [
        { id: 'shop-1', controllers: [Shop] },
        { id: 'press-1', controllers: [Press] },
        { id: 'desk-1', imports: [ConsoleModule.forRoot(), CoordinatorsModule], controllers: [Desk], http: {} },
      ],
    });
    const desk = system.apps.find(({ id }) => id === 'desk-1');
    url = (await desk?.http.getUrl()) ?? '';
    store = system.get<Store>(Store as never);
    facts = new FactReader(store);
    roster = new RecordedRoster(store.agents, loadSettings({}).registry);
    for (let n = -1; n < 4; n++) await system.send({ role: 'shop' }, Order, { n });
    await system.publish('orders.new', Order, { n: 1 });
    await system.send({ role: 'nobody' }, Order, { n: 1 });
    overview = await until('all to be settled', async () => {
      const now = await new LiveView(store, roster, new ConsumerFigures(store.history), facts, 'test').overview();
      return now.deadLetters === 1 && now.backlog === 1 && now.rates.failed > 0 ? now : undefined;
    });
  }, 30_000);

  afterAll(() => system.close());

  it('tells what happens now', async () => {
    const isSettled = async () => (await read<Overview>('/overview')).deadLetters === 1;
    await until('a sample of then', isSettled, 25_000, 100);
    expect(await read('/overview')).toMatchObject({ backlog: 1, agents: { healthy: 3, unhealthy: 0 } });
    expect(overview.rates.stored).toBeGreaterThan(overview.rates.completed);
    expect(overview.rates.completed).toBeGreaterThan(overview.rates.failed);
    expect(overview.rates.failed * overview.windowSeconds).toBeCloseTo(1, 1);
    expect(overview.latency?.p95).toBeGreaterThanOrEqual(overview.latency?.p50 ?? Infinity);
    expect(overview.history.at(-1)).toMatchObject({ backlog: 1, at: overview.at });
  }, 30_000);

  it('is read again after 8 s when reading it has taken long', async () => {
    const live = new LiveView(store, roster, new ConsumerFigures(store.history), facts, 'test');
    const readIn = (ms: number): Promise<Overview> => {
      const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + ms);
      try {
        return live.overview();
      } finally {
        clock.mockRestore();
      }
    };
    const slow = await readIn(-20_000);
    expect((await readIn(7_000)).at).toEqual(slow.at);
    expect((await readIn(8_500)).at).not.toEqual(slow.at);
  });

  it('draws messages between roles, topics and clients', async () => {
    const { nodes, edges, windowSeconds } = await read<Flow>('/flow');
    expect(nodes).toContainEqual(expect.objectContaining({ id: 'shop', kind: 'role', agents: 1, healthy: 1, dead: 1 }));
    expect(nodes).toContainEqual(expect.objectContaining({ id: 'nobody', kind: 'role', agents: 0, backlog: 1 }));
    expect(nodes).toContainEqual(expect.objectContaining({ id: 'test', kind: 'client' }));
    expect(nodes).toContainEqual(expect.objectContaining({ id: 'topic:orders.new', kind: 'topic' }));
    const edge = edges.find(({ from, to }) => from === 'test' && to === 'shop');
    expect(edge?.types).toEqual(['live_order']);
    expect((edge?.perSecond ?? 0) * windowSeconds).toBeCloseTo(5, 1);
    expect((edge?.failedPerSecond ?? 0) * windowSeconds).toBeCloseTo(1, 1);
    expect(edges).toContainEqual(expect.objectContaining({ from: 'test', to: 'topic:orders.new' }));
    expect(edges).toContainEqual(expect.objectContaining({ from: 'topic:orders.new', to: 'press' }));
  });

  it('lists agents, page by page, and which group one leads', async () => {
    const first = await read<Page<AgentRow>>('/agents?limit=2');
    expect(first.items.map(({ id }) => id)).toEqual(['desk-1', 'press-1']);
    const rest = await itemsOf<AgentRow>(`/agents?limit=2&after=${encodeURIComponent(first.next ?? '')}`);
    expect(rest).toMatchObject([{ id: 'shop-1', roles: ['shop'], health: 'healthy', contracts: ['live_order@2'] }]);
    await until('the leader', async () => {
      const [leader] = await itemsOf<LeaderRow>('/leaders');
      return leader?.leader === 'desk-1' && leader.alive && leader.term > 0;
    });
    expect(await read('/agents/desk-1')).toMatchObject({ groups: [{ group: 'coordinators', leads: true }] });
    expect(await read('/agents/nobody')).toMatchObject({ status: 404, code: 'AGENT_NOT_FOUND' });
  });

  it('lists consumers with what waits, what is dead and what they are subscribed to', async () => {
    const rows = await itemsOf<ConsumerRow>('/consumers');
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['role.nobody', 'role.press', 'role.shop', 'agent.shop-1']),
    );
    const row = (name: string) => rows.find((each) => each.name === name);
    expect(row('role.shop')).toMatchObject({ agents: 1, dead: 1, pending: 0, queueDepth: 0 });
    expect(row('role.press')).toMatchObject({ subscriptions: ['orders.*'] });
    expect(row('role.nobody')).toMatchObject({ agents: 0, pending: 1, oldestAgeSeconds: expect.any(Number) });
  });

  it('tells how long the oldest has waited, whatever was sent before it to be delivered later', async () => {
    await system.send({ role: 'later' }, Order, { n: 1 }, { delay: 3_600_000 });
    await system.send({ role: 'later' }, Order, { n: 2 });
    const later = await until('both to be read', async () => {
      const row = (await itemsOf<ConsumerRow>('/consumers')).find(({ name }) => name === 'role.later');
      return row?.pending === 2 ? row : undefined;
    });
    expect(later.oldestAgeSeconds).toBeLessThan(60);
  });

  it('asks the broker once for all that read how much waits', async () => {
    const desk = system.apps.find(({ id }) => id === 'desk-1');
    const asked = jest.spyOn((desk as TestApp).get(MessageBus), 'waiting');
    await Promise.all(Array.from({ length: 3 }, () => itemsOf<ConsumerRow>('/consumers')));
    const names = asked.mock.calls.map(([recipient]) => formatRecipient(recipient));
    expect(names).toHaveLength(new Set(names).size);
    asked.mockRestore();
  });

  it('tells what is paused, by whom and why', async () => {
    const change = async (target: string, what: string): Promise<void> => {
      const body = JSON.stringify({ reason: 'a move' });
      const headers = { 'content-type': 'application/json' };
      expect((await fetch(`${url}/${target}/${what}`, { method: 'POST', body, headers })).status).toBe(200);
    };
    for (const target of ['consumers/role.press', 'agents/shop-1']) await change(target, 'pause');
    const [row] = (await itemsOf<ConsumerRow>('/consumers')).filter(({ name }) => name === 'role.press');
    expect(row).toMatchObject({ pause: { target: 'role.press', reason: 'a move', since: expect.any(String) } });
    expect(await read('/agents/shop-1')).toMatchObject({ pause: { target: 'agent.shop-1', drain: false } });
    expect(await read('/agents/press-1')).not.toHaveProperty('pause');
    const paused = async (): Promise<string> => JSON.stringify((await read<Overview>('/overview')).paused);
    await until('the overview', async () => (await paused()) === '{"consumers":1,"agents":1}', 25_000);
    const { nodes } = await read<Flow>('/flow');
    expect(nodes.filter(({ paused }) => paused).map(({ id }) => id)).toEqual(['press', 'shop']);
    for (const target of ['consumers/role.press', 'agents/shop-1']) await change(target, 'resume');
    await until('nothing to be paused', async () => (await paused()) === '{"consumers":0,"agents":0}', 25_000);
  }, 60_000);

  it('needs no app: a program reads the same from the store', async () => {
    const { items } = await new AgentList(roster, facts, store.agents).list();
    expect(items.map(({ id, health }) => [id, health])).toContainEqual(['shop-1', 'healthy']);
  });

  it('has queues to tell of at RabbitMQ alone', async () => {
    expect(await read('/queues')).toMatchObject({ status: 501, code: 'NO_QUEUES' });
  });

  it('sends what happens, and ends with the app', async () => {
    const watcher = await system.start({
      id: 'desk-2',
      imports: [ConsoleModule.forRoot()],
      controllers: [Desk],
      http: {},
    });
    const watched = await watcher.http.getUrl();
    const response = await fetch(`${watched}/events`);
    expect(response.headers.get('content-type')).toMatch('text/event-stream');
    const seen: string[] = [];
    const lists = new Set<string>();
    const reading = (async () => {
      let rest = '';
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const events = (rest + chunk).split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events) {
          const [, type] = /^event: (.*)$/m.exec(event) ?? [];
          const [, data = '{}'] = /^data: (.*)$/m.exec(event) ?? [];
          if (type) seen.push(type);
          if (type === 'changed') for (const list of (JSON.parse(data) as { what: string[] }).what) lists.add(list);
        }
      }
    })();
    await until('the first', () => seen.includes('overview') && seen.includes('flow'), 25_000);
    await system.send({ role: 'shop' }, Order, { n: -2 });
    const request = { method: 'POST', body: '{"dryRun":true}', headers: { 'content-type': 'application/json' } };
    expect((await fetch(`${watched}/replay`, request)).status).toBe(200);
    await until('the change', () => ['dead-letters', 'messages', 'replays'].every((list) => lists.has(list)), 25_000);
    await until('a sign of life', () => seen.includes('alive'), 25_000);
    const begun = performance.now();
    await Promise.all([watcher.stop(), reading]);
    expect(performance.now() - begun).toBeLessThan(3_000);
  }, 60_000);
});
