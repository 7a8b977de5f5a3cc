import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AgentRecovered, AgentUnhealthy } from 'agentmq';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { SpecialistModule } from 'agentmq/apps/specialist';
import { WorkerModule } from 'agentmq/apps/worker';
import {
  AnalysisSummary,
  DataAnalysis,
  NlpRequest,
  NlpResult,
  ParseChunk,
  PartialResult,
  TaskRequest,
  TaskResult,
} from 'agentmq/contracts';
import { Tasks } from 'agentmq/coordination';
import { TestSystem } from 'agentmq/testing';

const CSV = 'city,people\nOslo,700000\nBergen,290000\nOslo,\n';

describe('coordinator, specialist and worker', () => {
  let system: TestSystem;
  const tasks = () => system.get(Tasks);

  beforeAll(async () => {
    system = await TestSystem.create({
      apps: [
        { id: 'coordinator-1', imports: [CoordinatorModule.forRoot()], http: {} },
        { id: 'specialist-1', imports: [SpecialistModule.forRoot()] },
        { id: 'worker-1', imports: [WorkerModule.forRoot()] },
      ],
      settings: { coordination: { leaderHeartbeatInterval: 50, electionTimeout: 200 } },
    });
  });
  afterAll(() => system.close());

  // the first of all, while nothing has asked for the types yet, and the embedded database has one connection
  it('the coordinator takes a task over HTTP', async () => {
    const response = await fetch(`${await system.apps[0]?.http.getUrl()}/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'data_analysis', payload: { csv: CSV } }),
    });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { readonly id: string };
    expect(await tasks().result(id, { answer: AnalysisSummary })).toMatchObject({ rows: 3 });
  });

  it('the worker counts the columns of a chunk, and tells the lines that it can not read', async () => {
    const chunk: ParseChunk = {
      firstLine: 2,
      columns: ['city', 'people'],
      delimiter: ',',
      text: 'Oslo,3\nBergen\nOslo,5\n',
    };
    const part = await tasks().run(ParseChunk, chunk, { answer: PartialResult, to: { role: 'worker' } });
    expect(part).toMatchObject({
      rows: 2,
      columns: [
        { name: 'city', type: 'text', values: ['Oslo'], counts: [2] },
        { name: 'people', type: 'number', min: 3, max: 5 },
      ],
      rejected: { count: 1, rows: [{ line: 3 }] },
    });
  });

  describe('the specialist', () => {
    it('describes a table, whose chunks workers parse', async () => {
      const id = await tasks().submit(DataAnalysis, { csv: CSV });
      const summary = await tasks().result(id, { answer: AnalysisSummary });
      const { tree, isWhole } = (await tasks().tree(id)) ?? {};
      const parts = tree?.parts.map(({ task, parts: below }) => [task.type, task.parentId, below.length]);
      expect({ isWhole, top: tree?.task.id, parts }).toEqual({
        isWhole: true,
        top: id,
        parts: [['csv_chunk', id, 0]],
      });
      expect(summary).toMatchObject({
        rows: 3,
        columns: [
          { name: 'city', type: 'text', distinct: 2 },
          { name: 'people', type: 'number', count: 2, missing: 1, mean: 495_000 },
        ],
      });
      expect(await tasks().list({ parentId: id })).toMatchObject([
        { type: 'csv_chunk', agentId: 'worker-1', state: 'completed' },
      ]);
    });

    it('tells what texts are about, and how they feel', async () => {
      const texts = ['I love this wonderful engine', 'The engine is wonderful', 'A horrible, broken propeller'];
      const result = await tasks().run(NlpRequest, { texts }, { answer: NlpResult });
      expect(result).toMatchObject({ analysed: 3, sentiment: { positive: 2, negative: 1 } });
      expect(result.keywords).toContainEqual({ word: 'engine', count: 2 });
    });

    it.each([
      [
        'a ragged table, with its line',
        { csv: 'a,b\n1,2\n3\n', name: 'ragged.csv', strict: true },
        'CSV_INPUT',
        'ragged.csv:3',
      ],
      ['a file of its machine', { file: '/etc/hostname' }, 'FILES_FORBIDDEN', 'payload.file'],
    ])('refuses %s', async (_, analysis, code, text) => {
      const refusal = tasks().run(DataAnalysis, analysis);
      await expect(refusal).rejects.toMatchObject({ reason: { code, message: expect.stringContaining(text) } });
    });
  });

  describe('the coordinator', () => {
    const ask = (task: string, payload: Record<string, unknown>) =>
      system.request({ role: 'coordinator' }, TaskRequest, { task, payload }, { answer: TaskResult });

    it('has the task of a request carried out, answers, and publishes what came of it', async () => {
      const answer = await ask('nlp_processing', { texts: ['A wonderful engine'] });
      expect(answer).toMatchObject({ task: 'nlp_processing', state: 'completed', result: { analysed: 1 } });
      expect(await system.sent(TaskResult)).toMatchObject([
        { sender: 'coordinator-1', recipient: { kind: 'topic', name: 'tasks.result' }, payload: answer },
      ]);
    });

    it('tells of a task that failed, and of one that no agent carries out', async () => {
      await expect(ask('data_analysis', { csv: 'a,b\n1\n', strict: true })).rejects.toMatchObject({
        code: 'CSV_INPUT',
      });
      await expect(ask('cooking', {})).rejects.toMatchObject({ code: 'UNKNOWN_TASK_TYPE' });
      const told = (await system.sent(TaskResult)).map(({ payload: { task, state, error } }) => [
        task,
        state,
        error?.['code'],
      ]);
      expect(told.slice(1)).toEqual([
        ['data_analysis', 'failed', 'CSV_INPUT'],
        ['cooking', 'failed', 'UNKNOWN_TASK_TYPE'],
      ]);
    });
  });
});

describe('the monitor', () => {
  let system: TestSystem;
  beforeAll(async () => {
    const apps = [
      { id: 'monitor-1', imports: [MonitorModule.forRoot()] },
      { id: 'worker-1', imports: [WorkerModule.forRoot()] },
    ];
    system = await TestSystem.create({ apps, clock: true });
  });
  afterAll(() => system.close());

  it('tells once that an agent is gone, and that it is back', async () => {
    await system.advance(30_000);
    expect(await system.sent(AgentUnhealthy)).toEqual([]);
    system.apps.find(({ id }) => id === 'worker-1')?.crash();
    await system.advance(180_000);
    const dead = (await system.sent(AgentUnhealthy)).filter(({ payload: { reasons } }) => reasons.includes('dead'));
    expect(dead).toMatchObject([{ sender: 'monitor-1', payload: { agent: 'worker-1', role: 'worker' } }]);
    await system.start({ id: 'worker-1', imports: [WorkerModule.forRoot()] });
    await system.advance(60_000);
    expect(await system.sent(AgentRecovered)).toMatchObject([{ payload: { agent: 'worker-1', outcome: 'healthy' } }]);
  });
});
