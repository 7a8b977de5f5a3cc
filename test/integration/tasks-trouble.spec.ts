import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Agent, Ctx, Handle } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import {
  CoordinatorsModule,
  InvalidTaskError,
  PipelineBusyError,
  Pipelines,
  PipelinesModule,
  Strategies,
  Task,
  TaskContext,
  TaskFailedError,
  Tasks,
} from 'agentmq/coordination';
import { IsInt, IsString } from 'class-validator';
import { TestSystem } from './agents.js';

@Contract({ type: 'work' })
class Work {
  @IsInt()
  n!: number;
}

/** A message to the clerk, and a task of the reader's. */
@Contract({ type: 'note' })
class Note {
  @IsString()
  text!: string;
}

@Contract({ type: 'entry', transactional: true })
class Entry {
  /** How many connections are cut off over it. */
  @IsInt()
  cuts!: number;
}

const to = { role: 'clerk' };

describe('trouble with tasks', () => {
  const system = new TestSystem({
    RABBITMQ_QUEUE_TYPE: 'classic',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 } });
  let tasks: Tasks;
  let pipelines: Pipelines;
  let strategies: Strategies;
  let cut = 0;

  @Agent({ role: 'boss' })
  class Boss {}

  @Agent({ role: 'clerk', concurrency: 1 })
  class Clerk {
    @Task(Work)
    work({ n }: Work): Work {
      return { n: n + 1 };
    }

    @Handle(Note)
    note(): void {}

    @Task(Entry)
    async enter({ cuts }: Entry, @Ctx() { transaction }: TaskContext): Promise<Work> {
      if (cut++ < cuts) await transaction?.query('SELECT pg_terminate_backend(pg_backend_pid())');
      return { n: cut };
    }
  }

  /** Of the same role, with another task. */
  @Agent({ role: 'clerk' })
  class Reader {
    @Task(Note)
    read(): string {
      return 'reader-1';
    }
  }

  beforeAll(async () => {
    const boss = await system.start({
      id: 'boss-1',
      controllers: [Boss],
      imports: [PipelinesModule, CoordinatorsModule],
    });
    tasks = boss.get(Tasks);
    pipelines = boss.get(Pipelines);
    strategies = boss.get(Strategies);
    await system.start({ id: 'clerk-1', controllers: [Clerk], imports: [PipelinesModule] });
  });
  afterAll(() => system.close());
  jest.setTimeout(30_000);

  const increment = (n: number): Promise<unknown> => tasks.run(Work, { n }, { to, deadline: 10_000 });

  it('that no agent declares wait for one that does, however many, and keep no others from being done', async () => {
    const notes = Array.from({ length: 250 }, () => ({ text: 'a' }));
    const ids = await tasks.submitAll(Note, notes, { to });
    expect(await increment(1)).toEqual({ n: 2 });
    expect(await tasks.find(ids[0] as string)).toMatchObject({ state: 'queued', attempt: 0 });
    const reader = await system.start({ id: 'reader-1', controllers: [Reader], imports: [PipelinesModule] });
    expect(await Promise.all(ids.map((id) => tasks.result(id)))).toEqual(ids.map(() => 'reader-1'));
    await reader.close();
  });

  it('whose strategy can not be made stops no others', async () => {
    strategies.add('broken', () => {
      throw new Error('not configured');
    });
    const id = await tasks.submit(Work, { n: 5 }, { to, strategy: 'broken', deadline: 10_000 });
    expect(await increment(2)).toEqual({ n: 3 });
    expect(await tasks.result(id)).toEqual({ n: 6 });
  });

  it('over which the database cuts connections off takes no attempt', async () => {
    const id = await tasks.submit(Entry, { cuts: 2 }, { to, attempts: 1 });
    expect(await tasks.result(id)).toEqual({ n: 3 });
    expect(await tasks.find(id)).toMatchObject({ state: 'completed', failures: 0 });
  });

  describe('of pipelines', () => {
    beforeAll(() => pipelines.define('few', [{ name: 'only', contract: Work, to }], { maxRuns: 10 }));

    it('that others start in a transaction holds nobody up for long', async () => {
      const first = await system.store.database.transaction(async (transaction) => {
        const id = await pipelines.start('few', { n: 1 }, { transaction });
        const busy = { code: 'PIPELINE_BUSY', retryable: true };
        const atOnce = pipelines.start('few', { n: 2 });
        const waiting = pipelines.start('few', { n: 3 }, { wait: 100 });
        const elsewhere = system.store.database.transaction((other) =>
          pipelines.start('few', { n: 4 }, { transaction: other }),
        );
        for (const start of [atOnce, waiting, elsewhere]) await expect(start).rejects.toMatchObject(busy);
        await expect(pipelines.start('few', { n: 5 })).rejects.toBeInstanceOf(PipelineBusyError);
        return id;
      });
      expect(await pipelines.result(first)).toEqual({ n: 2 });
      expect(await pipelines.run('few', { n: 6 })).toEqual({ n: 7 });
    });

    it('is not waited for in the transaction that starts it', async () => {
      const run = system.store.database.transaction((transaction) => pipelines.run('few', { n: 1 }, { transaction }));
      await expect(run).rejects.toMatchObject({ field: 'transaction' });
      await expect(run).rejects.toBeInstanceOf(InvalidTaskError);
    });

    it('is told from a task that is no run', async () => {
      const id = await tasks.submit(Note, { text: 'a' }, { to: { role: 'nobody' }, deadline: 300 });
      expect(await pipelines.cancel(id, 'no reason')).toBe(false);
      await expect(pipelines.result(id)).rejects.toBeInstanceOf(TaskFailedError);
    });
  });
});
