import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PipelineRun } from 'agentmq/coordination';
import { until } from '../support/index.js';
import { Reported } from './apps/line-contracts.js';
import { Line, STAGES } from './line.js';

const WAIT_MS = 60_000;
const NAMES = STAGES.map(({ name }) => name);
/** How long the stages take, in ms. */
const TIMES = [20, 200, 200, 20];

describe('a pipeline of two coordinator processes and three that do its stages', () => {
  const line = new Line(2);
  let count = 0;

  const start = (runs: number): Promise<string[]> =>
    Promise.all(
      Array.from({ length: runs }, () => line.pipelines.start('intake', { n: count++, times: TIMES, by: [] })),
    );
  const find = async (ids: readonly string[]): Promise<PipelineRun[]> =>
    (await Promise.all(ids.map((id) => line.pipelines.find(id)))).flatMap((run) => run ?? []);
  /** Resolves when the worker is at work on a run that has stages behind it, and one has ended while others have not. */
  const inTheMiddle = (worker: string, ids: readonly string[]): Promise<true> =>
    until(
      `${worker} to be in the middle of it`,
      async () => {
        const runs = await find(ids);
        const isAtWork = runs.some(({ stages }) =>
          stages.some(({ name, agentId, state, startedAt }) => {
            return name === 'analyse' && agentId === worker && state === 'assigned' && startedAt !== null;
          }),
        );
        return isAtWork && runs.some(({ state }) => state === 'completed') ? true : undefined;
      },
      WAIT_MS,
      20,
    );
  const doneBefore = (runs: readonly PipelineRun[]) =>
    runs.flatMap(({ id, stages }) => stages.flatMap((stage) => (stage.state === 'completed' ? [{ id, stage }] : [])));
  /** Each run has its result, what each stage wrote was written once, and what had been done was not done again. */
  const expectAllDoneOnce = async (ids: readonly string[], before: readonly PipelineRun[]): Promise<void> => {
    const results = await Promise.all(ids.map((id) => line.pipelines.result(id, { answer: Reported })));
    const numbers = results.map(({ n }) => n);
    expect(new Set(numbers).size).toBe(ids.length);
    const effects = await line.rows<{ n: number; stage: string; agent: string }>(
      `SELECT n, stage, agent FROM NS.effects WHERE n = ANY('{${numbers.join()}}')`,
    );
    expect(effects).toHaveLength(ids.length * NAMES.length);
    for (const { n, by } of results)
      expect(NAMES.map((stage) => effects.find((each) => each.n === n && each.stage === stage)?.agent)).toEqual(by);
    const after = await find(ids);
    expect(after.map(({ state }) => state)).toEqual(ids.map(() => 'completed'));
    const now = new Map(after.map(({ id, stages }) => [id, stages]));
    for (const { id, stage } of doneBefore(before)) expect(now.get(id)).toContainEqual(stage);
  };

  beforeAll(async () => {
    await line.start(['coordinator-1', 'coordinator-2', 'desk-1', 'worker-1', 'worker-2']);
    line.pipelines.define('intake', STAGES);
    const brittle = { to: { agent: 'worker-1' }, attempts: 1 };
    line.pipelines.define(
      'brittle',
      STAGES.map((stage) => (stage.name === 'analyse' ? { ...stage, ...brittle } : stage)),
    );
  }, 2 * WAIT_MS);
  afterAll(() => line.close(), WAIT_MS);

  it(
    'goes on when a process of a stage and the leading coordinator are killed',
    async () => {
      const brittle = { n: count++, times: [0, 0, WAIT_MS], by: [] };
      const failure = line.pipelines.run('brittle', brittle).catch((error: unknown) => error);
      const begun = `SELECT FROM NS.tasks WHERE lane = 'brittle/analyse' AND started_at IS NOT NULL`;
      await until('worker-1 to be at work on it', async () => (await line.rows(begun)).length > 0, WAIT_MS);
      const ids = await start(20);
      const [leader = ''] = await Promise.all([line.leader(), inTheMiddle('worker-1', ids)]);
      await line.kill([leader, 'worker-1']);
      const before = await find(ids);
      const lost = before.flatMap(({ stages }) =>
        stages.filter(({ agentId, state }) => agentId === 'worker-1' && state === 'assigned'),
      );
      expect(lost).not.toHaveLength(0);
      await expectAllDoneOnce(ids, before);
      expect(await failure).toMatchObject({ stage: 'analyse', reason: { code: 'TASK_AGENT_LOST' } });
      expect(await line.leader()).not.toBe(leader);
      const after = (await find(ids)).flatMap(({ stages }) => stages);
      for (const { taskId, startedAt } of lost) {
        const again = { agentId: 'worker-2', attempt: 2, failures: startedAt ? 1 : 0 };
        expect(after.find((stage) => stage.taskId === taskId)).toMatchObject(again);
      }
    },
    3 * WAIT_MS,
  );

  it(
    'goes on at the stages reached when all of it is killed and started again',
    async () => {
      const ids = await start(10);
      await inTheMiddle('worker-2', ids);
      await line.kill(['coordinator-1', 'coordinator-2', 'desk-1', 'worker-2']);
      const before = await find(ids);
      expect(doneBefore(before)).not.toHaveLength(0);
      await line.launch(['coordinator-1', 'desk-1', 'worker-3']);
      await expectAllDoneOnce(ids, before);
    },
    3 * WAIT_MS,
  );
});
