import { describe, expect, it } from '@jest/globals';
import type { TaskNode } from '../../api/types.js';
import { stagesTimeline, taskTimeline } from './task-timeline.js';

const START = Date.parse('2026-11-27T10:00:00.000Z');
const at = (ms: number): string => new Date(START + ms).toISOString();
const task = (given: Partial<TaskNode>): TaskNode => ({
  id: 'task',
  parentId: null,
  key: null,
  type: 'analysis',
  version: 1,
  destination: 'capability.analysis',
  strategy: 'least-loaded',
  priority: 5,
  state: 'completed',
  attempt: 1,
  failures: 0,
  maxAttempts: 3,
  agentId: null,
  submitter: 'test',
  createdAt: at(0),
  assignedAt: null,
  startedAt: null,
  finishedAt: null,
  deadline: at(60_000),
  error: null,
  parts: [],
  ...given,
});
const attempt = (n: number, agentId: string, from: number, end: number | null) => ({
  attempt: n,
  agentId,
  assignedAt: at(from),
  startedAt: at(from + 10),
  endedAt: end === null ? null : at(end),
  outcome: end === null ? null : n === 1 ? ('failed' as const) : ('completed' as const),
  error: null,
});

describe('a task over time', () => {
  it('is queued, assigned, tried and tried again, with its parts below it', () => {
    const times = { createdAt: at(50), assignedAt: at(60), startedAt: at(70), finishedAt: at(90) };
    const root = task({ parts: [task({ id: 'part', agentId: 'worker-2', ...times })] });
    const attempts = [attempt(1, 'worker-1', 5, 30), attempt(2, 'worker-2', 40, 100)];
    const { rows } = taskTimeline(root, attempts, START + 500);
    expect(rows.map(({ item, depth }) => [item.id, depth])).toEqual([
      ['task', 0],
      ['part', 1],
    ]);
    expect(rows[0]?.bars.map(({ kind, from, to, outcome }) => [kind, from, to, outcome])).toEqual([
      ['sending', 0, 5, 'completed'],
      ['waiting', 5, 15, 'completed'],
      ['running', 15, 30, 'failed'],
      ['retry', 30, 40, 'completed'],
      ['waiting', 40, 50, 'completed'],
      ['running', 50, 100, 'completed'],
    ]);
    expect(rows[1]?.bars.map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ['sending', 50, 60],
      ['waiting', 60, 70],
      ['running', 70, 90],
    ]);
  });

  it.each([
    ['queued', [], ['sending', 0, 500, 'open']],
    ['assigned', [attempt(1, 'worker-1', 5, null)], ['running', 15, 500, 'open']],
    ['queued', [attempt(1, 'worker-1', 5, 30)], ['retry', 30, 500, 'open']],
  ] as const)('that is %s lasts until now', (state, attempts, last) => {
    const { rows } = taskTimeline(task({ state }), attempts, START + 500);
    const bar = rows[0]?.bars.at(-1);
    expect([bar?.kind, bar?.from, bar?.to, bar?.outcome]).toEqual(last);
  });

  it('has no bar for a stage that was not reached', () => {
    const stage = { destination: 'role.a', attempt: 1, failures: 0, taskId: null, error: null };
    const stages = [
      {
        ...stage,
        name: 'parse',
        state: 'assigned',
        agentId: 'a',
        reachedAt: at(0),
        startedAt: at(20),
        finishedAt: null,
      },
      { ...stage, name: 'rate', state: 'pending', agentId: null, reachedAt: null, startedAt: null, finishedAt: null },
    ] as const;
    const { rows } = stagesTimeline({ createdAt: at(0), stages }, START + 100);
    expect(rows.map(({ bars }) => bars.map(({ from, to }) => [from, to]))).toEqual([
      [
        [0, 20],
        [20, 100],
      ],
      [],
    ]);
  });
});
