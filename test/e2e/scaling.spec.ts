import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AgentRegistry, AgentStops } from 'agentmq/agent';
import { until } from '../support/index.js';
import { ask } from './deployment.js';
import { ScaledCrew } from './scaled-crew.js';

const WAIT_MS = 60_000;
const TASKS = 120;
const TASK_MS = 100;

describe('a coordinator that starts and stops workers in processes of their own', () => {
  const scaled = new ScaledCrew({ max: 3, concurrency: 1, targetBacklog: 5, coolDown: 1 });
  const { crew } = scaled;

  beforeAll(async () => {
    await scaled.coordinate('c1');
    await crew.start([]);
    await scaled.workersAre('c1', 1);
  }, 2 * WAIT_MS);

  afterAll(() => scaled.close(), WAIT_MS);

  it(
    'goes from one to the most and back, though it is killed meanwhile and another carries on; every task is done once',
    async () => {
      const ids = await scaled.submit(TASKS, () => TASK_MS);
      await scaled.workersAre('c1', 3);
      await crew.system.app('c1').kill('SIGKILL');
      expect(scaled.processes()).toHaveLength(3);
      await scaled.coordinate('c2');
      const results = await Promise.all(ids.map((id) => crew.tasks.result(id)));
      expect(results.map((done) => (done as { n: number }).n)).toEqual(ids.map((_, n) => n));
      expect(await crew.rows(`SELECT id FROM NS.tasks WHERE state <> 'completed' OR failures > 0`)).toEqual([]);
      await scaled.workersAre('c2', 1);
      await until('the processes to have ended', () => scaled.processes().length === 1, WAIT_MS, 50);
      // the second coordinator found the workers of the first, and started none
      const [agents] = await crew.rows(`SELECT count(*)::integer AS ever FROM NS.agents WHERE role = 'worker'`);
      expect(agents).toEqual({ ever: 3 });
      // what a worker was at is told with its next heartbeat
      await until('no backlog', async () => (await scaled.scale('c2')).backlog === 0, WAIT_MS, 50);
      expect(await scaled.scale('c2')).toEqual({ role: 'worker', backlog: 0, workers: 1, desired: 1, min: 1, max: 3 });
    },
    4 * WAIT_MS,
  );

  it('tells of every role that there is, and of no other', async () => {
    const c2 = crew.system.app('c2');
    const { status, body } = await ask(c2, '/scaling');
    expect(status).toBe(200);
    expect((body['items'] as { role: string }[]).map(({ role }) => role)).toEqual(['boss', 'coordinator', 'worker']);
    expect(await ask(c2, '/scaling/boss')).toMatchObject({ status: 200, body: { workers: 1, min: null, max: null } });
    expect(await ask(c2, '/scaling/baker')).toMatchObject({
      status: 404,
      body: { status: 404, code: 'UNKNOWN_ROLE', detail: 'there is no role "baker"' },
    });
    expect(await ask(c2, '/scaling/a%20b')).toMatchObject({ status: 400 });
  });

  it('ends with exit code 0 itself when it is asked to stop', async () => {
    const [agent] = crew.agent.get(AgentRegistry).find({ id: 'c2' });
    await crew.agent.get(AgentStops).ask({ id: 'c2', instance: agent?.instance ?? '' }, 'that is enough');
    expect(await crew.system.app('c2').exited).toEqual({ code: 0, signal: null });
    expect(crew.system.app('c2').output()).toContain('c2 stops: that is enough');
    // its workers go on
    expect(scaled.processes()).toHaveLength(1);
  });
});
