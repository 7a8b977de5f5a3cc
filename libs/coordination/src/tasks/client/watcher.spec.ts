import { expect, it } from '@jest/globals';
import type { ProgressEvent, TaskWithResult } from '../task.js';
import { Watcher } from './watcher.js';

const task = (given: Partial<TaskWithResult>): TaskWithResult =>
  ({
    id: 'task',
    state: 'assigned',
    attempt: 1,
    progress: null,
    progressAt: null,
    finishedAt: null,
    ...given,
  }) as TaskWithResult;
const done = (at: number): ProgressEvent => ({ kind: 'progress', taskId: 'task', progress: { at }, at: new Date(at) });

it('a slow reader is told of the latest progress and of the latest state, the settled one last', async () => {
  const watcher = new Watcher();
  watcher.heard(done(1), 1);
  watcher.saw(task({ state: 'queued', attempt: 0 }));
  expect(await watcher.next()).toMatchObject({ kind: 'state', task: { state: 'queued' } });
  watcher.saw(task({}));
  for (let at = 2; at < 10; at++) watcher.heard(done(at), 1);
  expect(await watcher.next()).toMatchObject({ kind: 'state', task: { state: 'assigned' } });
  watcher.saw(task({ state: 'completed', finishedAt: new Date() }));
  watcher.heard(done(10), 1);
  expect(await watcher.next()).toEqual(done(10));
  expect(await watcher.next()).toMatchObject({ kind: 'state', task: { state: 'completed' } });
});

it('what the row has is told where it was not heard, and what an earlier attempt tells is not', async () => {
  const watcher = new Watcher();
  watcher.saw(task({ attempt: 2, progress: { at: 5 }, progressAt: new Date(5) }));
  expect(await watcher.next()).toMatchObject({ kind: 'state' });
  expect(await watcher.next()).toEqual(done(5));
  watcher.heard(done(6), 2);
  watcher.saw(task({ attempt: 2, progress: { at: 5 }, progressAt: new Date(5) }));
  expect(await watcher.next()).toEqual(done(6));
  watcher.heard(done(7), 1);
  watcher.saw(task({ attempt: 2, progress: { at: 8 }, progressAt: new Date(8) }));
  expect(await watcher.next()).toEqual(done(8));
});
