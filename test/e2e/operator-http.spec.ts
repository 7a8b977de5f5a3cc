import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tmpdir } from 'node:os';
import { type AppProcess, databaseUrl, TcpProxy } from '../support/index.js';
import { ask, Deployment, ended } from './deployment.js';
import { Operator, send } from './operator.js';

const CLERK = 'dist/programs/test/clerk.js';
const ROLES = { m1: 'monitor', c1: 'coordinator', s1: 'specialist', clerk: CLERK };
const START_MS = 90_000;
const TEST_MS = 60_000;

describe('the monitor over HTTP', () => {
  const system = new Deployment();
  const operator = new Operator(system, tmpdir(), 'm1');
  const monitor = (): AppProcess => system.app('m1');
  const idsListed = async (query = ''): Promise<unknown[]> => {
    const { body } = await ask(monitor(), `/dead-letters${query}`);
    return (body['items'] as { id: string }[]).map(({ id }) => id);
  };
  /** A task that the coordinator refuses: dead at once, whatever the attempts. */
  const deadTask = async (): Promise<string> => {
    const { body } = await send(system.app('clerk'), '/task-requests', { task: 'data_analysis', payload: { csv: 1 } });
    const id = body['id'] as string;
    await operator.delivery(id, 'role.coordinator', 'dead');
    return id;
  };

  beforeAll(async () => {
    const apps = await Promise.all(Object.entries(ROLES).map(([id, app]) => system.start(app, id)));
    await Promise.all(apps.map((app) => app.ready(START_MS)));
  }, START_MS + 10_000);

  afterAll(() => system.close(), 30_000);

  it(
    'lists dead letters by filter, page by page',
    async () => {
      const [one, two] = [await operator.deadSlip('one'), await operator.deadSlip('two')];
      const first = await ask(monitor(), '/dead-letters?type=slip&consumer=role.clerk&limit=1');
      expect(first).toMatchObject({
        status: 200,
        body: { items: [{ id: two, consumer: 'role.clerk', attempts: 2, error: { code: 'HANDLER_FAILED' } }] },
      });
      expect(await idsListed(`?limit=1&after=${String(first.body['next'])}`)).toEqual([one]);
      expect(await idsListed('?type=other')).toEqual([]);
      expect(await idsListed('?consumer=role.other')).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'reads one, with its payload: of a known contract and of an unknown one',
    async () => {
      const task = await deadTask();
      expect(await ask(monitor(), `/dead-letters/${task}`)).toMatchObject({
        status: 200,
        body: {
          id: task,
          type: 'task_request',
          payload: { task: 'data_analysis', payload: { csv: 1 } },
          deliveries: [{ state: 'dead', attempt: 1, error: { code: 'CONTRACT_VIOLATION' }, history: [{ attempt: 1 }] }],
        },
      });
      const slip = await operator.deadSlip('read');
      const { body } = await ask(monitor(), `/dead-letters/${slip}`);
      expect(body).toMatchObject({ payload: { text: 'refuse read' } });
    },
    TEST_MS,
  );

  it(
    'requeues one; an edited task takes the place of the old one and is carried out',
    async () => {
      const slip = await operator.deadSlip('again');
      expect(await send(monitor(), `/dead-letters/${slip}/requeue`)).toEqual({
        status: 202,
        body: { id: slip, consumers: ['role.clerk'] },
      });
      await operator.delivery(slip, 'role.clerk', 'dead', 4);

      const task = await deadTask();
      const wrong = await send(monitor(), `/dead-letters/${task}/requeue`, { payload: { task: '' } });
      expect(wrong).toMatchObject({ status: 400, body: { errors: [{ field: 'task' }, { field: 'payload' }] } });
      const payload = { task: 'nlp_processing', payload: { texts: ['a wonderful engine'] } };
      const { status, body } = await send(monitor(), `/dead-letters/${task}/requeue`, { payload });
      expect({ status, body }).toEqual({
        status: 202,
        body: { id: task, consumers: ['role.coordinator'], replacedBy: expect.any(String) },
      });
      const replacement = body['replacedBy'] as string;
      await operator.delivery(replacement, 'role.coordinator', 'completed');
      expect(await ended(system.app('c1'), replacement)).toMatchObject({ state: 'completed' });
      expect(await operator.message(replacement)).toMatchObject({ causationId: task });
      const trace = await ask(monitor(), `/traces/${replacement}`);
      expect(trace).toMatchObject({ status: 200, body: { path: expect.arrayContaining(['m1', 'c1']) } });
      const hops = trace.body['hops'] as { readonly messageId: string; readonly causationId?: string }[];
      expect(hops).toContainEqual(expect.objectContaining({ messageId: replacement, causationId: task }));
    },
    TEST_MS,
  );

  it(
    'requeues by filter, and counts first if asked to',
    async () => {
      const gone = await operator.deadSlip('gone');
      await send(monitor(), `/dead-letters/${gone}/discard`, { reason: 'a test slip' });
      expect(await send(monitor(), '/dead-letters/requeue', { type: 'slip', dryRun: true })).toMatchObject({
        body: { matched: (await idsListed('?type=slip')).length },
      });
      const slip = await operator.deadSlip('all');
      const selection = { ids: [slip], consumer: 'role.clerk' };
      expect(await send(monitor(), '/dead-letters/requeue', { ...selection, dryRun: true })).toMatchObject({
        status: 200,
        body: { state: 'ended', dryRun: true, matched: 1, replayed: 1 },
      });
      expect((await operator.message(slip)).deliveries).toMatchObject([{ state: 'dead', attempt: 2 }]);
      expect(await send(monitor(), '/dead-letters/requeue', selection)).toMatchObject({
        status: 200,
        body: { state: 'ended', matched: 1, replayed: 1 },
      });
      await operator.delivery(slip, 'role.clerk', 'dead', 4);
    },
    TEST_MS,
  );

  it(
    'discards one with a reason, once',
    async () => {
      const slip = await operator.deadSlip('discard');
      const reason = 'a test slip';
      const blank = await send(monitor(), `/dead-letters/${slip}/discard`, { reason: ' ' });
      expect(blank).toMatchObject({ status: 400, body: { errors: [{ field: 'reason' }] } });
      expect(await send(monitor(), `/dead-letters/${slip}/discard`, { reason })).toMatchObject({ status: 200 });
      expect(await idsListed()).not.toContain(slip);
      expect(await idsListed('?discarded=true')).toContain(slip);
      expect(await send(monitor(), `/dead-letters/${slip}/discard`, { reason })).toMatchObject({ status: 409 });
    },
    TEST_MS,
  );

  it(
    'replays at a rate; a long one goes on after the answer, is told of, and can be stopped',
    async () => {
      const ids: string[] = [];
      for (let n = 1; n <= 20; n++) ids.push(await operator.slip(`replay ${n}`));
      for (const id of ids) await operator.delivery(id, 'role.clerk', 'completed');
      const selection = { ids, states: ['completed'], to: 'role.audit', rate: 1 };
      const { status, body } = await send(monitor(), '/replay', selection);
      expect({ status, body }).toMatchObject({ status: 202, body: { state: 'running', dryRun: false } });
      const path = `/replay/${String(body['id'])}`;
      expect(await ask(monitor(), path)).toMatchObject({ status: 200, body: { state: 'running' } });
      expect(await send(monitor(), path, {}, 'DELETE')).toMatchObject({ status: 200, body: { state: 'stopped' } });
      const stops = (await ask(monitor(), '/audit?action=replay.stop')).body;
      expect(stops['items']).toMatchObject([{ target: body['id'], via: 'http' }]);
      const { replayed } = (await ask(monitor(), path)).body as { replayed: number };
      expect(replayed).toBeGreaterThan(2);
      expect(replayed).toBeLessThan(20);
      const rest = await send(monitor(), '/replay', { ...selection, rate: 1_000 });
      expect(rest).toMatchObject({ status: 200, body: { state: 'ended' } });
      for (const id of ids) await operator.delivery(id, 'role.audit', 'pending');
    },
    TEST_MS,
  );

  it('tells of subscriptions, and moves what a role is owed', async () => {
    const { body } = await ask(monitor(), '/subscriptions?consumer=agent.clerk');
    expect(body['items']).toContainEqual(expect.objectContaining({ pattern: 'slips.*', endedAt: null }));
    const none = { consumer: 'role.clerk', pattern: 'none' };
    expect(await send(monitor(), '/subscriptions/end', none)).toMatchObject({ status: 404 });
    const moved = await send(monitor(), '/move', { from: 'role.nobody', to: 'role.heir' });
    expect(moved).toMatchObject({ status: 200, body: { state: 'ended', matched: 0 } });
  });

  it(
    'answers 404 for what is not there, and 409 for what is not dead',
    async () => {
      const alive = await operator.slip('alive');
      await operator.delivery(alive, 'role.clerk', 'completed');
      for (const path of ['/dead-letters/nobody', '/messages/nobody', '/traces/nobody', '/replay/nobody']) {
        expect(await ask(monitor(), path)).toMatchObject({
          status: 404,
          body: { detail: expect.stringContaining('nobody') },
        });
      }
      expect(await ask(monitor(), `/dead-letters/${alive}`)).toMatchObject({ status: 409, body: { code: 'NOT_DEAD' } });
      for (const [id, status] of [
        ['nobody', 404],
        [alive, 409],
      ] as const) {
        expect(await send(monitor(), `/dead-letters/${id}/requeue`)).toMatchObject({ status });
        expect(await send(monitor(), `/dead-letters/${id}/requeue`, { payload: {} })).toMatchObject({ status });
        expect(await send(monitor(), `/dead-letters/${id}/discard`, { reason: 'x' })).toMatchObject({ status });
      }
    },
    TEST_MS,
  );

  it.each([
    ['limit', () => ask(monitor(), '/dead-letters?limit=0')],
    ['consumer', () => ask(monitor(), '/dead-letters?consumer=clerk')],
    ['discarded', () => ask(monitor(), '/dead-letters?discarded=perhaps')],
    ['order', () => ask(monitor(), '/dead-letters?order=newest')],
    ['payload', () => send(monitor(), '/dead-letters/x/requeue', { payload: 'text' })],
    ['reason', () => send(monitor(), '/dead-letters/x/discard')],
    ['states', () => send(monitor(), '/replay', { states: ['lost'] })],
    ['rate', () => send(monitor(), '/replay', { rate: 0 })],
    ['from', () => send(monitor(), '/replay', { from: 'yesterday' })],
    ['traceId', () => send(monitor(), '/replay', { traceId: 'x' })],
    ['to', () => send(monitor(), '/replay', { to: 'everybody' })],
    ['a..b', () => send(monitor(), '/replay', { topic: 'a..b' })],
    ['from', () => send(monitor(), '/move', { from: 'clerk', to: 'role.heir' })],
    ['to', () => send(monitor(), '/move', { from: 'role.clerk', to: 'role.clerk' })],
    ['pattern', () => send(monitor(), '/subscriptions/end', { consumer: 'role.clerk' })],
    ['ids', () => send(monitor(), '/dead-letters/requeue', { ids: 'x' })],
    ['all', () => send(monitor(), '/dead-letters/requeue', {})],
  ])('answers 400 that names %s', async (field, request) => {
    const { status, body } = await request();
    expect({ status, detail: body['detail'] }).toEqual({
      status: 400,
      detail: expect.stringContaining(field),
    });
  });

  it(
    'answers 503 while the database is away',
    async () => {
      const { hostname, port } = new URL(databaseUrl());
      const proxy = await TcpProxy.listen({ host: hostname, port: Number(port) || 5432 });
      try {
        const app = await system.start('monitor', 'm2', { DATABASE_URL: proxy.through(databaseUrl()) });
        await app.ready(START_MS);
        proxy.refuse();
        proxy.cut();
        expect(await ask(app, '/dead-letters')).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
        expect(await send(app, '/replay')).toMatchObject({ status: 503 });
        expect(await ask(app, '/messages/x')).toMatchObject({ status: 503 });
      } finally {
        await proxy.close();
      }
    },
    START_MS + TEST_MS,
  );
});
