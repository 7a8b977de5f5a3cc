import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AppProcess, OtlpReceiver, type ReceivedSpan, testBus, until } from '../support/index.js';
import { ask, Deployment, ended, metric, post, rowsOf, submit, taskOf } from './deployment.js';
import { type Column, expectColumns, measurements, type Table } from './tables.js';

const ROLES = { c1: 'coordinator', s1: 'specialist', m1: 'monitor', w1: 'worker', w2: 'worker' };
const IDS = Object.keys(ROLES);
/** Enough for the agents to be at it while one of them is killed: some 20 chunks, twice. */
const LARGE_ROWS = 200_000;
const START_MS = 60_000;
const STOP_MS = 15_000;

describe('agent apps as separate processes, over a broker and Postgres', () => {
  const system = new Deployment();
  const coordinator = (): AppProcess => system.app('c1');
  let collector: OtlpReceiver;
  let small: Table;
  let large: Table;

  /** What `id` sees of all agents. */
  const agentsSeenBy = async (id: string): Promise<unknown> => {
    const { body } = await ask(system.app(id), '/health');
    return (body['details'] as Record<string, unknown>)['agents'];
  };
  const seen = (id: string, expected: object): Promise<unknown> =>
    until(
      `${id} to see ${JSON.stringify(expected)}`,
      async () => JSON.stringify(await agentsSeenBy(id)) === JSON.stringify(expected),
      20_000,
      50,
    );
  const logged = (text: string): Promise<unknown> =>
    until(`the monitor to log: ${text}`, () => system.app('m1').output().includes(text), 20_000, 50);
  const query = <Row>(sql: string): Promise<Row[]> => rowsOf<Row>(system, sql);

  // all at once, on a database without a schema, as a deployment does it
  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    small = measurements(5_000);
    large = measurements(LARGE_ROWS);
    const apps = await Promise.all(
      Object.entries(ROLES).map(([id, app]) =>
        system.start(app, id, { MONITOR_INTERVAL: '1', OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }),
      ),
    );
    await Promise.all(apps.map((app) => app.ready(START_MS)));
  }, START_MS + 10_000);

  afterAll(async () => {
    await system.close();
    await collector.close();
  }, 30_000);

  it('migrated once, though all started on an empty database together', async () => {
    const rows = await query<{ name: string }>('SELECT name FROM NS.migrations');
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    const agents = await query('SELECT id, role, stopped FROM NS.agents');
    expect(agents).toHaveLength(IDS.length);
    expect(agents).toEqual(
      expect.arrayContaining(Object.entries(ROLES).map(([id, role]) => ({ id, role, stopped: false }))),
    );
  });

  describe('a task', () => {
    it('data_analysis is answered with the right numbers, by a worker and the specialist', async () => {
      const payload = { csv: small.csv, name: 'small.csv' };
      const { status, body } = await post(coordinator(), {
        type: 'data_analysis',
        payload,
        priority: 7,
        deadline: 60_000,
      });
      expect(status).toBe(202);
      expect(body).toEqual({ id: expect.any(String) });
      const task = await ended(coordinator(), body['id'] as string);
      expect(task).toMatchObject({ id: body['id'], type: 'data_analysis', state: 'completed' });
      expect(task.error).toBeNull();
      expectAnalysis(task.result, small);
      expect(task.path).toEqual(['s1']);
      expect(task.parts.count).toBeGreaterThan(0);
      for (const { agentId } of task.parts.tasks) expect(agentId).toMatch(/^w[12]$/);
    });

    it('is at a collector with the ids that it has on record, from each process that had a part in it', async () => {
      const id = await submit(coordinator(), { type: 'data_analysis', payload: { csv: small.csv } });
      await ended(coordinator(), id);
      const [row] = await until('the trace on record', async () => {
        const rows = await query<{ trace_id: string }>(`SELECT trace_id FROM NS.hops WHERE message_id = '${id}'`);
        return rows.length > 0 ? rows : undefined;
      });
      const spanOf = (name: string): Promise<ReceivedSpan> =>
        until(
          `a span ${name}`,
          () => collector.spans.find((span) => span.traceId === row?.trace_id && span.name === name),
          20_000,
          100,
        );
      const created = await spanOf('create capability.data_analysis');
      const run = await spanOf('process capability.data_analysis');
      const assigned = await spanOf('assign capability.data_analysis');
      const part = await spanOf('process capability.csv_chunk');
      expect([run.parentId, assigned.parentId]).toEqual([created.spanId, created.spanId]);
      expect([created, assigned, run, part].map(({ resource }) => resource['service.name'])).toEqual([
        'coordinator',
        'coordinator',
        'specialist',
        'worker',
      ]);
      expect(run.resource).toMatchObject({ 'service.instance.id': 's1', 'service.namespace': system.namespace });
    });

    it('nlp_processing is answered with keywords and sentiment', async () => {
      const texts = ['I love this wonderful engine', 'The engine is wonderful', 'A horrible, broken propeller'];
      const id = await submit(coordinator(), { type: 'nlp_processing', payload: { texts } });
      const task = await ended(coordinator(), id);
      expect(task).toMatchObject({ type: 'nlp_processing', state: 'completed', path: ['s1'] });
      expect(task.result).toMatchObject({
        analysed: 3,
        keywords: expect.arrayContaining([
          { word: 'engine', count: 2 },
          { word: 'wonderful', count: 2 },
          { word: 'propeller', count: 1 },
        ]),
        sentiment: { score: expect.any(Number), positive: 2, negative: 1 },
      });
    });

    it('with a ragged table ends failed, and the error names file and line', async () => {
      const payload = { csv: 'a,b\n1,2\n3\n4\n', name: 'ragged.csv' };
      const task = await ended(coordinator(), await submit(coordinator(), { type: 'data_analysis', payload }));
      expect(task).toMatchObject({ state: 'failed', error: { code: 'CSV_INPUT' } });
      expect(task.error?.message).toMatch(/^ragged\.csv:3: has 1 field where the header has 2/);
      expect(task.result).toBeUndefined();
    });

    it('may not name a file of the specialist', async () => {
      const id = await submit(coordinator(), { type: 'data_analysis', payload: { file: '/etc/hostname' } });
      const task = await ended(coordinator(), id);
      expect(task).toMatchObject({ state: 'failed', error: { code: 'FILES_FORBIDDEN' } });
      expect(task.error?.message).toContain('payload.file');
    });

    const payload = { csv: 'a\n1\n' };
    it.each([
      ['no payload', { type: 'data_analysis' }, 'payload'],
      ['priority 11', { type: 'data_analysis', payload, priority: 11 }, 'priority'],
      ['a deadline of 0', { type: 'data_analysis', payload, deadline: 0 }, 'deadline'],
      ['an unknown field', { type: 'data_analysis', payload, urgent: true }, 'urgent'],
      [
        'an unknown field of its payload',
        { type: 'data_analysis', payload: { ...payload, colour: 'red' } },
        'payload.colour',
      ],
    ])('with %s is refused, and the answer names the field', async (_, task, field) => {
      const { status, body } = await post(coordinator(), task);
      expect(status).toBe(400);
      expect(body).toMatchObject({
        status: 400,
        errors: [{ field, message: expect.stringContaining(field.replace('payload.', '')) }],
      });
    });

    it('with 100,000 fields is refused with few words, in little time', async () => {
      const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, 1]));
      const sent = performance.now();
      const { status, body } = await post(coordinator(), { type: 'data_analysis', payload, ...many });
      expect(status).toBe(400);
      expect(JSON.stringify(body).length).toBeLessThan(20_000);
      // 10 s for a coordinator that is quadratic in them
      expect(performance.now() - sent).toBeLessThan(5_000);
    });

    it.each(['type=data_analysis', '{"type":', '"text"', '[]'])('whose body is %s is refused', async (text) => {
      expect(await post(coordinator(), text)).toMatchObject({ status: 400, body: { status: 400 } });
    });

    it('that does not exist is not found', async () => {
      const { status, body } = await ask(coordinator(), '/tasks/01a2-no-such-task');
      expect(status).toBe(404);
      expect(body['detail']).toContain('01a2-no-such-task');
    });
  });

  describe.each(Object.entries(ROLES))('%s (%s)', (id, role) => {
    it('tells its health', async () => {
      await seen(id, { agents: 5, healthy_agents: 5, status: 'up' });
      const { status, body } = await ask(system.app(id), '/health');
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: 'ok', error: {} });
      expect(body['info']).toEqual(body['details']);
      expect(body['details']).toMatchObject({
        agent: { status: 'up', id, role },
        message_bus: { status: 'up', type: testBus.name, message_queue_size: expect.any(Number) },
        message_store: { status: 'up' },
        agents: { status: 'up', agents: 5, healthy_agents: 5 },
        process: { status: 'up', uptime: expect.any(Number) },
      });
    });

    it('tells that it lives, and that it is ready', async () => {
      const live = await ask(system.app(id), '/health/live');
      expect(live).toMatchObject({ status: 200, body: { status: 'ok', details: { process: { status: 'up' } } } });
      const ready = await ask(system.app(id), '/health/ready');
      expect(ready).toMatchObject({ status: 200, body: { status: 'ok', details: { message_bus: { status: 'up' } } } });
    });

    it('shows its metrics to Prometheus', async () => {
      const response = await fetch(`${system.app(id).url}/metrics`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const lines = (await response.text()).split('\n').filter(Boolean);
      expect(lines).toContain('# TYPE agentmq_messages_received_total counter');
      for (const line of lines) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? (\S+))$/);
    });
  });

  it('the monitor tells of all agents, consumers and inboxes; an app of its own', async () => {
    const series = async (id: string) =>
      (await (await fetch(`${system.app(id).url}/metrics`)).text())
        .split('\n')
        .filter((line) => /^agentmq_(active_agents|open_deliveries|dead_letters|queue_depth)/.test(line));
    const ofTheMonitor = await series('m1');
    for (const role of new Set(Object.values(ROLES))) {
      expect(ofTheMonitor).toContain(`agentmq_active_agents{role="${role}"} ${role === 'worker' ? 2 : 1}`);
      expect(ofTheMonitor).toContain(`agentmq_open_deliveries{consumer="role.${role}",state="pending"} 0`);
      expect(ofTheMonitor).toContain(`agentmq_dead_letters{consumer="role.${role}"} 0`);
      expect(ofTheMonitor).toContain(`agentmq_queue_depth{inbox="role.${role}"} 0`);
    }
    const ofAWorker = (await series('w1')).filter((line) => line.startsWith('agentmq_dead_letters'));
    expect(ofAWorker.sort()).toEqual(
      ['agent.w1', 'role.worker'].map((name) => `agentmq_dead_letters{consumer="${name}"} 0`),
    );
  });

  it('requests, what was sent and received are counted where they were', async () => {
    const metrics = async (): Promise<string> => (await fetch(`${system.app('m1').url}/metrics`)).text();
    const answered = /^agentmq_response_time_seconds_count\{type="agent_probe",outcome="answered"\} [1-9]/m;
    // the monitor probes once it is elected
    await until('a probe to be answered', async () => answered.test(await metrics()), 20_000);
    const text = await metrics();
    expect(text).toMatch(/^agentmq_messages_sent_total\{type="agent_probe",recipient="agent"\} [1-9]/m);
    expect(text).toMatch(/^agentmq_response_time_average_seconds\{type="agent_probe"\} 0\.\d+/m);
  });

  describe('when something dies', () => {
    const inTheMiddle = async (worker: string): Promise<void> => {
      const series = 'agentmq_handler_duration_seconds_count{type="csv_chunk"}';
      const before = await metric(system.app(worker), series);
      await until(
        'the worker to be at it',
        async () => (await metric(system.app(worker), series)) > before + 1,
        20_000,
      );
    };
    const submitLarge = (): Promise<string> =>
      submit(coordinator(), { type: 'data_analysis', payload: { csv: large.csv, name: 'large.csv' } });

    it('a task that loses one of two workers in the middle is still answered right', async () => {
      const [id] = await Promise.all([submitLarge(), inTheMiddle('w1')]);
      expect(await system.app('w1').kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      expect((await taskOf(coordinator(), id)).state).toBe('assigned');
      const task = await ended(coordinator(), id);
      expect(task.state).toBe('completed');
      expectAnalysis(task.result, large);
      expect(task.path).toEqual(['s1']);
    }, 90_000);

    it(
      'all notice that a worker is gone, and its return',
      async () => {
        await seen('c1', { agents: 5, healthy_agents: 4, status: 'degraded' });
        await seen('s1', { agents: 5, healthy_agents: 4, status: 'degraded' });
        expect(await ask(coordinator(), '/health')).toMatchObject({ status: 200 });
        expect(await ask(coordinator(), '/health/ready')).toMatchObject({ status: 200 });
        await (await system.start('worker', 'w1')).ready(START_MS);
        await seen('c1', { agents: 5, healthy_agents: 5, status: 'up' });
      },
      START_MS + 30_000,
    );

    it('all notice an agent that hangs, and its recovery; the monitor logs it', async () => {
      system.app('w2').pause();
      try {
        await seen('c1', { agents: 5, healthy_agents: 4, status: 'degraded' });
        await logged('w2 (worker) is unhealthy: dead (silent since');
      } finally {
        system.app('w2').resume();
      }
      await seen('c1', { agents: 5, healthy_agents: 5, status: 'up' });
      await logged('w2 (worker) is healthy again');
    }, 60_000);

    it(
      'a task that begins while a specialist is dead, and not known to be, is carried out by the other',
      async () => {
        // By name and load it is the one that would be chosen.
        const other = await system.start('specialist', 's0');
        await other.ready(START_MS);
        await seen('c1', { agents: 6, healthy_agents: 6, status: 'up' });
        await other.kill('SIGKILL');
        const task = await ended(coordinator(), await submitLarge());
        expect(task.state).toBe('completed');
        expectAnalysis(task.result, large);
        await comesBackAndLeaves('s0');
      },
      START_MS + 90_000,
    );

    it(
      'a task whose specialist is killed in the middle is completed by another',
      async () => {
        await (await system.start('specialist', 's0')).ready(START_MS);
        await seen('c1', { agents: 6, healthy_agents: 6, status: 'up' });
        const [id] = await Promise.all([submitLarge(), inTheMiddle('w1')]);
        await system.app('s0').kill('SIGKILL');
        const task = await ended(coordinator(), id);
        expect(task.state).toBe('completed');
        expectAnalysis(task.result, large);
        await comesBackAndLeaves('s0');
      },
      START_MS + 90_000,
    );

    it(
      'a task whose coordinator is killed in the middle is completed by the one that takes its place',
      async () => {
        const [id] = await Promise.all([submitLarge(), inTheMiddle('w1')]);
        await coordinator().kill('SIGKILL');
        await (await system.start('coordinator', 'c1')).ready(START_MS);
        const task = await ended(coordinator(), id);
        expect(task.state).toBe('completed');
        expectAnalysis(task.result, large);
      },
      START_MS + 90_000,
    );
  });

  it('each app ends by SIGTERM with exit code 0, and leaves the registry', async () => {
    let left = IDS.length;
    for (const id of ['w1', 'w2', 's1', 'm1']) {
      await endsInTime(system.app(id));
      left--;
      await seen('c1', { agents: left, healthy_agents: left, status: 'up' });
    }
    await endsInTime(coordinator());
    expect(await query('SELECT id FROM NS.agents WHERE NOT stopped')).toEqual([]);
  }, 90_000);

  /** So that the next test finds the agents that the first one did. */
  async function comesBackAndLeaves(specialist: string): Promise<void> {
    const app = await system.start('specialist', specialist);
    await app.ready(START_MS);
    await endsInTime(app);
    await seen('c1', { agents: 5, healthy_agents: 5, status: 'up' });
  }

  async function endsInTime(app: AppProcess): Promise<void> {
    const started = performance.now();
    expect(await app.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(STOP_MS);
  }
});

function expectAnalysis(result: Record<string, unknown> | undefined, { rows, columns }: Table): void {
  expect(result).toMatchObject({ rows, rejected: { count: 0, rows: [] } });
  const named = result?.['columns'] as (Column & { name: string })[];
  expectColumns(Object.fromEntries(named.map(({ name, ...column }) => [name, column])), columns);
}
