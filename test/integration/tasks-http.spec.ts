import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication, Type as Class } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomBytes } from 'node:crypto';
import { Agent, AgentClient, AgentServer, Ctx, loadSettings, Subscribe } from 'agentmq/agent';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { NlpRequest, TASK_RESULT_TOPIC, TaskRequest, TaskResult } from 'agentmq/contracts';
import { Task, TaskContext, Tasks, TasksModule } from 'agentmq/coordination';
import { Audit, FactReader } from 'agentmq/operations';
import { AgentMQError, Contract } from 'agentmq/protocol';
import { Type } from 'class-transformer';
import { IsArray, IsInt, IsString, Length, Min, ValidateNested } from 'class-validator';
import { databaseUrl, TcpProxy, until } from '../support/index.js';
import { TestSystem } from './agents.js';

class Line {
  @IsString()
  @Length(1, 10)
  symbol!: string;

  @IsInt()
  @Min(1)
  amount!: number;
}

/** Of `WAIT…` it takes until that is in stock; of `NONE` it fails until then. */
@Contract({ type: 'quote' })
class Quote {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Line)
  lines!: Line[];
}

@Contract({ type: 'secret', sensitive: true })
class Secret {
  @IsString()
  name!: string;
}

class NoPriceError extends AgentMQError {
  readonly code = 'NO_PRICE';
}

const { sealing: KEYS } = loadSettings({ SEALING_KEYS: `key-1:${randomBytes(32).toString('base64')}` });

const stock = new Set<string>();

@Agent({ role: 'pricing' })
class Pricing {
  @Task(Quote)
  async quote({ lines }: Quote, @Ctx() context: TaskContext): Promise<object> {
    const { symbol = '' } = lines[0] ?? {};
    if (symbol === 'NONE' && !stock.has(symbol)) throw new NoPriceError('NONE has no price');
    if (symbol.startsWith('WAIT')) {
      context.progress({ asked: lines.length });
      await until('it to be in stock', () => stock.has(symbol), 60_000);
    }
    return { total: lines.reduce((sum, { amount }) => sum + amount, 0) };
  }

  @Task(Secret)
  secret(): void {
    // takes it
  }
}

@Agent({ role: 'listener' })
class Listener {
  readonly told: TaskResult[] = [];

  @Subscribe(TASK_RESULT_TOPIC, TaskResult)
  hear(result: TaskResult): void {
    this.told.push(result);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

describe('tasks over HTTP', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.5',
  });
  const coordinators: INestApplication[] = [];
  let url: string;
  let listener: Listener;
  let agents: AgentClient;
  const quote = (symbol: string, ...amounts: number[]) => ({ lines: amounts.map((amount) => ({ symbol, amount })) });

  /** `proxy`: between it and the database. */
  const coordinator = async (agentId: string, proxy?: TcpProxy): Promise<INestApplication> => {
    const database = proxy
      ? { ...system.settings.database, url: proxy.through(databaseUrl()) }
      : system.settings.database;
    const options = { settings: { ...system.settings, agentId, database }, hub: system.hub };
    const store = proxy ? {} : { store: system.store };
    const app = await NestFactory.create(CoordinatorModule.forRoot({ ...options, ...store }), { logger: ['error'] });
    coordinators.push(app);
    app.connectMicroservice({ strategy: app.get(AgentServer) });
    await app.listen(0);
    await app.startAllMicroservices();
    return app;
  };
  const ask = async (path: string, method = 'GET', body?: unknown): Promise<Answer> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const init = body === undefined ? {} : { body: text, headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${url}${path}`, { method, ...init });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const submit = async (task: object): Promise<string> => {
    const { status, body } = await ask('/tasks', 'POST', task);
    expect({ status, body }).toMatchObject({ status: 202 });
    return body['id'] as string;
  };
  const inState = (id: string, state: string): Promise<Record<string, unknown>> =>
    until(`task ${id} to be ${state}`, async () => {
      const { body } = await ask(`/tasks/${id}`);
      return body['state'] === state ? body : undefined;
    });
  const idsOf = (body: unknown): string[] => (body as { items: { id: string }[] }).items.map(({ id }) => id);

  beforeAll(async () => {
    await system.store.database.migrate();
    const [app] = await Promise.all([
      coordinator('coordinator-1'),
      system.start({ id: 'pricing-1', controllers: [Pricing], imports: [TasksModule], sealing: KEYS }),
    ]);
    const other = await system.start({ id: 'listener-1', controllers: [Listener] });
    listener = other.get(Listener);
    agents = other.get(AgentClient);
    url = await app.getUrl();
    await until('the type to be known', async () =>
      JSON.stringify((await ask('/task-types')).body).includes('pricing-1'),
    );
  });
  afterAll(async () => {
    for (const symbol of ['WAIT', 'WAIT 2', 'WAIT 3']) stock.add(symbol);
    for (const app of coordinators) await app.close();
    await system.close();
  });

  it('types are told with their schemas and the agents that carry them out', async () => {
    const { body } = await ask('/task-types');
    expect(body['items']).toEqual([
      {
        type: 'quote',
        version: 1,
        sensitive: false,
        agents: ['pricing-1'],
        schema: expect.objectContaining({ required: ['lines'], $defs: { Line: expect.any(Object) } }),
      },
      expect.objectContaining({ type: 'secret', sensitive: true }),
    ]);
  });

  it('a task is taken, carried out, and told with all that is known of it', async () => {
    const { status, headers, body } = await ask('/tasks', 'POST', {
      type: 'quote',
      payload: quote('ABC', 1, 2),
      to: { role: 'pricing' },
      priority: 7,
      deadline: 60_000,
    });
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/tasks/${String(body['id'])}`);
    expect(await inState(body['id'] as string, 'completed')).toMatchObject({
      id: body['id'],
      type: 'quote',
      destination: 'role.pricing',
      priority: 7,
      result: { total: 3 },
      error: null,
      attempts: [{ attempt: 1, agentId: 'pricing-1', outcome: 'completed' }],
      maxAttempts: 3,
      path: ['pricing-1'],
      parts: { count: 0, tasks: [] },
    });
  });

  describe('is refused', () => {
    const payload = quote('ABC', 1);
    it.each<[string, unknown, string[]]>([
      ['without anything', {}, ['type', 'payload']],
      [
        'with wrong fields',
        { type: 'quote', payload, priority: 11, deadline: 0, urgent: 1 },
        ['priority', 'deadline', 'urgent'],
      ],
      ['with another destination', { type: 'quote', payload, to: { planet: 'Mars' } }, ['to']],
      [
        'with a wrong payload',
        { type: 'quote', payload: { lines: [{ symbol: '' }], colour: 1 } },
        ['payload.lines.0.symbol', 'payload.lines.0.amount', 'payload.colour'],
      ],
      ['with a number that JSON lacks', '{"type":"quote","payload":{"lines":1e999}}', ['payload.lines']],
      ['with both', { type: 'quote', payload: { lines: 1 }, priority: 11 }, ['priority', 'payload.lines']],
    ])('%s, and each field is named', async (_, task, fields) => {
      const { status, body } = await ask('/tasks', 'POST', task);
      expect(status).toBe(400);
      const message = body['errors'] as { field: string; message: string }[];
      expect([...new Set(message.map(({ field }) => field))].sort()).toEqual(fields.toSorted());
      expect(new Set(message.map(({ field, message: text }) => `${field} ${text}`)).size).toBe(message.length);
      for (const each of message) expect(each.message).toContain(each.field.split('.').at(-1));
    });

    it('of a type that no agent carries out, and those that there are are named', async () => {
      expect(await ask('/tasks', 'POST', { type: 'cooking', payload })).toMatchObject({
        status: 422,
        body: { code: 'UNKNOWN_TASK_TYPE', known: ['quote', 'secret'] },
      });
      expect(await ask('/tasks', 'POST', { type: 'quote', version: 2, payload })).toMatchObject({
        status: 422,
        body: { known: ['quote@1'] },
      });
    });

    it('that is sensitive, by a coordinator without keys, and nothing of it is told', async () => {
      const { status, body } = await ask('/tasks', 'POST', { type: 'secret', payload: { name: 'Jane' } });
      expect({ status, code: body['code'] }).toEqual({ status: 501, code: 'NO_SEALING_KEYS' });
      const wrong = await ask('/tasks', 'POST', { type: 'secret', payload: { nickname: 'Jane' } });
      expect(wrong.status).toBe(400);
      expect(JSON.stringify(wrong.body)).not.toMatch(/nickname|Jane/);
    });

    it('that is no JSON', async () => {
      const body = new URLSearchParams({ type: 'quote', 'payload[lines]': '' });
      expect((await fetch(`${url}/tasks`, { method: 'POST', body })).status).toBe(415);
    });
  });

  it('submitted again with its idempotency key it is the same task, and the key is no other’s', async () => {
    const task = { type: 'quote', payload: quote('ABC', 5), idempotencyKey: 'order 5' };
    const id = await submit(task);
    expect(await submit(task)).toBe(id);
    expect(await ask('/tasks', 'POST', { ...task, payload: quote('ABC', 6) })).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    });
  });

  it('tasks are listed in pages, by state, type, agent and time', async () => {
    const tasks = coordinators[0]?.get(Tasks) as Tasks;
    const from = new Date();
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three'])
      ids.push(await tasks.submit(NlpRequest, { texts: [text] }, { to: { role: 'nobody' } }));
    const filter = `state=queued&type=nlp_processing&from=${from.toISOString()}`;
    const first = await ask(`/tasks?${filter}&limit=2`);
    const newest = ids.toReversed();
    expect(idsOf(first.body)).toEqual(newest.slice(0, 2));
    const second = await ask(`/tasks?${filter}&limit=2&after=${String(first.body['next'])}`);
    expect(idsOf(second.body)).toEqual(newest.slice(2));
    expect(second.body).not.toHaveProperty('next');
    expect(idsOf((await ask(`/tasks?agent=pricing-1&before=${from.toISOString()}`)).body)).toHaveLength(2);
    expect(idsOf((await ask(`/tasks?parent=${ids[0]}`)).body)).toEqual([]);
    expect((await ask(`/tasks/${ids[0]}/tree`)).body).toMatchObject({ id: ids[0], parts: [], isWhole: true });
    for (const path of ['/tasks/none', '/tasks/none/tree', '/pipelines/none'])
      expect((await ask(path)).status).toBe(404);
    expect(await ask('/pipelines?limit=1')).toMatchObject({ status: 200, body: { items: [] } });
  });

  it.each(['state=odd', 'limit=0', 'after=', 'parent=', 'from=then', 'mood=good', 'agent=%00', 'before=-271821-04-20'])(
    'a list of %s is refused',
    async (query) => {
      const { status, body } = await ask(`/tasks?${query}`);
      expect(status).toBe(400);
      expect(JSON.stringify(body['errors'])).toContain(query.split('=')[0]);
    },
  );

  it('a task is cancelled', async () => {
    const id = await submit({ type: 'quote', payload: quote('ABC', 1), to: { role: 'nobody' } });
    expect(await ask(`/tasks/${id}?reason=not+needed`, 'DELETE')).toMatchObject({
      status: 200,
      body: { cancelled: true },
    });
    expect(await inState(id, 'cancelled')).toMatchObject({ error: { message: 'not needed' } });
    expect(await ask(`/tasks/${id}`, 'DELETE')).toMatchObject({ status: 200, body: { cancelled: false } });
    expect((await ask('/tasks/none', 'DELETE')).status).toBe(404);
  });

  it('a task is followed to its end', async () => {
    const id = await submit({ type: 'quote', payload: quote('WAIT 2', 1, 2) });
    const { status, headers, body } = await fetch(`${url}/tasks/${id}/events`, { headers: { 'last-event-id': '7' } });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      if (text.includes('event: progress')) stock.add('WAIT 2');
    }
    expect(text.match(/^id: .*$/gm)).toEqual(text.match(/^event: .*$/gm)?.map((_, n) => `id: ${n + 1}`));
    expect(text).toMatch(/event: state\nid: 1\ndata: .*"state":"(queued|assigned)"/);
    expect(text).toMatch(/event: progress\nid: .*\ndata: \{"progress":\{"asked":2\},"at":".*"\}/);
    expect(text).toMatch(/event: state\nid: .*\ndata: .*"state":"completed".*"result":\{"total":3\}.*\n\n$/);
    expect((await ask('/tasks/none/events')).status).toBe(404);
  });

  it('a task that has failed is tried anew, and no other', async () => {
    const id = await submit({ type: 'quote', payload: quote('NONE', 4) });
    expect(await inState(id, 'failed')).toMatchObject({
      error: { code: 'NO_PRICE' },
      attempts: [{ attempt: 1, agentId: 'pricing-1', outcome: 'failed', error: { code: 'NO_PRICE' } }],
    });
    stock.add('NONE');
    expect(await ask(`/tasks/${id}/retry`, 'POST')).toMatchObject({ status: 200, body: { id, state: 'queued' } });
    expect(await inState(id, 'completed')).toMatchObject({
      result: { total: 4 },
      attempts: [{ outcome: 'failed' }, { outcome: 'completed' }],
    });
    expect(await ask(`/tasks/${id}/retry`, 'POST')).toMatchObject({ status: 409, body: { state: 'completed' } });
    expect((await ask('/tasks/none/retry', 'POST')).status).toBe(404);
  });

  it('what runs is listed as the overview counts it: begun by its agent, or a run of a pipeline', async () => {
    const facts = new FactReader(system.store);
    const running = async (): Promise<string[]> => idsOf((await ask('/tasks?state=running')).body);
    const id = await submit({ type: 'quote', payload: quote('WAIT 3', 1) });
    await until('it to be begun', async () => (await running()).includes(id));
    expect(await running()).toHaveLength((await facts.read()).tasks.running);
    expect(idsOf((await ask('/tasks?state=assigned')).body)).toContain(id);
    await system.store.database.ownQuery(
      `UPDATE "${system.namespace}".tasks SET state = 'running', assignment = NULL WHERE id = $1`,
      [id],
    );
    expect(await running()).toContain(id);
    expect(await running()).toHaveLength((await facts.read()).tasks.running);
    await ask(`/tasks/${id}`, 'DELETE');
    expect(await running()).not.toContain(id);
  });

  it('each change that a caller has made is in the audit, and nothing else', async () => {
    const audit = new Audit(system.store.database);
    const task = { type: 'quote', payload: quote('ABC', 1), to: { role: 'nobody' }, idempotencyKey: 'audited' };
    const id = await submit(task);
    expect(await submit(task)).toBe(id);
    for (const method of ['DELETE', 'DELETE']) await ask(`/tasks/${id}`, method);
    for (const method of ['POST', 'POST']) await ask(`/tasks/${id}/retry`, method);
    const { items } = await audit.list({ target: id });
    expect(items.map(({ action, rows, via }) => [action, rows, via])).toEqual([
      ['task.retry', 1, 'http'],
      ['task.cancel', 1, 'http'],
      ['task.submit', 1, 'http'],
    ]);
  });

  it('is answered with 503 while the database is away', async () => {
    const proxy = await TcpProxy.before(databaseUrl());
    const there = url;
    try {
      url = await (await coordinator('coordinator-3', proxy)).getUrl();
      const task = { type: 'quote', payload: quote('ABC', 1) };
      await submit(task);
      proxy.refuse();
      proxy.cut();
      const { status, headers, body } = await ask('/tasks', 'POST', task);
      expect({ status, code: body['code'] }).toEqual({ status: 503, code: 'STORE_UNAVAILABLE' });
      expect(headers.get('retry-after')).toBe('1');
      await proxy.accept();
      await coordinators.pop()?.close();
    } finally {
      url = there;
      await proxy.close();
    }
  });

  describe('asked for by a message', () => {
    const toldOf = (id: string): TaskResult[] => listener.told.filter(({ taskId }) => taskId === id);
    const send = (task: string, payload: object): Promise<string> =>
      agents
        .send({ role: 'coordinator' }, TaskRequest, { task, payload: { ...payload } })
        .then(({ messageId }) => messageId);

    it('a task has the message’s id, and is told of once, also when the message comes again', async () => {
      const id = await send('quote', quote('ABC', 1, 1));
      await until('its result', () => toldOf(id).length > 0);
      // as when its coordinator dies before the message is completed
      const message = (await system.store.history.find(id))?.message;
      const [agent] = CoordinatorModule.forRoot().controllers ?? [];
      await coordinators[0]?.get(agent as Class).take({ task: 'quote', payload: quote('ABC', 1, 1) }, { message });
      const next = await send('quote', quote('ABC', 3));
      await until('the next result', () => toldOf(next).length > 0);
      expect(toldOf(id)).toEqual([{ taskId: id, task: 'quote', state: 'completed', result: { total: 2 } }]);
      expect((await ask(`/tasks/${id}`)).body).toMatchObject({ state: 'completed', type: 'quote', attempt: 1 });
    });

    it('a request is answered', async () => {
      const request = (payload: object) =>
        agents.request(
          { role: 'coordinator' },
          TaskRequest,
          { task: 'quote', payload: { ...payload } },
          { timeout: 20_000 },
        );
      expect(await request(quote('ABC', 2, 3))).toMatchObject({
        task: 'quote',
        state: 'completed',
        result: { total: 5 },
      });
      await expect(request({ lines: 1 })).rejects.toMatchObject({ code: 'CONTRACT_VIOLATION' });
    });

    it.each<[string, string, object, string]>([
      ['of a wrong payload', 'quote', { lines: 1 }, 'CONTRACT_VIOLATION'],
      ['that is sensitive, and came in clear', 'secret', { name: 'Jane' }, 'NOT_SEALED'],
    ])('one %s has failed for good', async (_, task, payload, code) => {
      const id = await send(task, payload);
      await until('its failure', () => toldOf(id).length > 0);
      expect(toldOf(id)).toEqual([{ taskId: id, task, state: 'failed', error: expect.objectContaining({ code }) }]);
      expect((await ask(`/tasks/${id}`)).status).toBe(404);
    });

    it('any number of long tasks keep no other waiting; what they wait for is told by whichever coordinator is left', async () => {
      const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => send('quote', quote('WAIT', n + 1))));
      await Promise.all(ids.map((id) => until('the task', async () => (await ask(`/tasks/${id}`)).status === 200)));
      const quick = await send('quote', quote('ABC', 7));
      await until('a quick one', () => toldOf(quick).length > 0);
      const second = await coordinator('coordinator-2');
      await coordinators.shift()?.close();
      url = await second.getUrl();
      stock.add('WAIT');
      await until('all to be told', () => ids.every((id) => toldOf(id).length > 0), 30_000);
      expect(ids.flatMap(toldOf).map(({ result }) => result)).toEqual(ids.map((_, n) => ({ total: n + 1 })));
    });
  });
});
