import { expect, it } from '@jest/globals';
import { AgentIdentity, loadSettings } from 'agentmq/agent';
import { Contract } from 'agentmq/contracts';
import { type MessageStore, StoreUnavailableError } from 'agentmq/message-store';
import { KeyRing, Sampler, Sealer } from 'agentmq/messaging';
import { Strategies } from '../balancing/strategies.js';
import type { TaskNotices } from './notices.js';
import { TaskSealing } from './task-sealing.js';
import type { TaskWaiting } from './task-waiting.js';
import { Tasks } from './tasks.js';

@Contract({ type: 'crunch' })
class Crunch {}

it('run, end with the reason of their signal even when they cannot be cancelled', async () => {
  const settings = loadSettings({ NAMESPACE: 'tasks', AGENT_ID: 'agent-1' });
  const given = new AbortController();
  const statements: string[] = [];
  const store = {
    schema: 'tasks',
    query: (sql: string) => {
      statements.push(sql);
      return statements.length === 1 ? Promise.resolve([]) : Promise.reject(new StoreUnavailableError('away'));
    },
  } as unknown as MessageStore;
  const notices = { queued: () => given.abort(new Error('had enough')) } as unknown as TaskNotices;
  const waiting = {
    settled: (_: string, signal: AbortSignal) => Promise.reject(signal.reason as Error),
  } as unknown as TaskWaiting;
  const identity = new AgentIdentity([{ role: 'worker' }], settings);
  const sealing = new TaskSealing(new Sealer(new KeyRing({ keys: [] }), 'off'));
  const tasks = new Tasks(
    identity,
    settings,
    new Strategies(),
    notices,
    waiting,
    sealing,
    store,
    new Sampler({ rate: 0, ratio: 0 }),
  );
  const running = tasks.run(Crunch, {}, { to: { role: 'worker' }, signal: given.signal });
  await expect(running).rejects.toThrow('had enough');
  expect(statements).toHaveLength(2);
});
