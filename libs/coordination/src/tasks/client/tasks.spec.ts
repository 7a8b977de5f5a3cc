import { expect, it } from '@jest/globals';
import { AgentIdentity, loadSettings, type Startup } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import type { Database, PreparedStatement } from 'agentmq/database';
import { StoreUnavailableError } from 'agentmq/database';
import { KeyRing, Sampler, Sealer, type SealingMode } from 'agentmq/messaging';
import { Strategies } from '../../distribution/balancing/strategies.js';
import { TaskStore } from '../store/task-store.js';
import type { TaskNotices } from '../notices.js';
import { TaskSealing } from '../task-sealing.js';
import type { TaskWaiting } from './task-waiting.js';
import type { TaskWatching } from './task-watching.js';
import { Tasks } from './tasks.js';

@Contract({ type: 'crunch' })
class Crunch {}
@Contract({ type: 'secret', sensitive: true })
class Secret {}

const settings = loadSettings({ NAMESPACE: 'tasks', AGENT_ID: 'agent-1' });
const identity = new AgentIdentity([{ role: 'worker' }], settings);

/** Of a process without keys. */
function tasksOf(notices: TaskNotices, waiting: TaskWaiting, mode: SealingMode, database: Database): Tasks {
  const sealing = new TaskSealing(new Sealer(new KeyRing({ keys: [] }), mode));
  const sampler = new Sampler({ rate: 0, ratio: 0 });
  const store = new TaskStore(database);
  const watching = {} as TaskWatching;
  const startup = { whenReady: (work: () => Promise<never>) => work() } as unknown as Startup;
  return new Tasks(identity, settings, new Strategies(), notices, waiting, sealing, store, sampler, watching, startup);
}

it('run, end with the reason of their signal even when they cannot be cancelled', async () => {
  const given = new AbortController();
  const statements: string[] = [];
  const database = {
    schema: 'tasks',
    ownQuery: ({ text }: PreparedStatement) => {
      statements.push(text);
      return Promise.resolve([]);
    },
    query: (sql: string) => {
      statements.push(sql);
      return Promise.reject(new StoreUnavailableError('away'));
    },
  } as unknown as Database;
  const notices = { queued: () => given.abort(new Error('had enough')) } as unknown as TaskNotices;
  const waiting = {
    expect: () => undefined,
    settled: (_: string, signal: AbortSignal) => Promise.reject(signal.reason as Error),
  } as unknown as TaskWaiting;
  const tasks = tasksOf(notices, waiting, 'off', database);
  const running = tasks.run(Crunch, {}, { to: { role: 'worker' }, signal: given.signal });
  await expect(running).rejects.toThrow('had enough');
  expect(statements).toHaveLength(2);
});

it('sensitive ones are written by no process without keys, unless they go in clear', async () => {
  const written: unknown[] = [];
  const database = {
    schema: 'tasks',
    ownQuery: (_: PreparedStatement, parameters: readonly unknown[]) => {
      written.push(...parameters);
      return Promise.resolve([]);
    },
  } as unknown as Database;
  const notices = { queued: () => undefined } as unknown as TaskNotices;
  const submit = (mode: SealingMode): Promise<unknown> =>
    tasksOf(notices, { expect: () => undefined } as unknown as TaskWaiting, mode, database).submitAll(Secret, [{}], {
      to: { role: 'worker' },
    });
  for (const mode of ['on', 'accept-clear'] as const)
    await expect(submit(mode)).rejects.toMatchObject({ code: 'NO_SEALING_KEYS', retryable: false });
  expect(written).toEqual([]);
  await submit('off');
  expect(written).toHaveLength(1);
});
