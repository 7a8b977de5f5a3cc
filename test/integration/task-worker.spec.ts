import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, AgentIdentity, Ctx, Handle, Tracer } from 'agentmq/agent';
import { CoordinatorsModule, Task, TaskContext, Tasks, TasksModule } from 'agentmq/coordination';
import { currentMessage, MessageBus } from 'agentmq/messaging';
import { Contract } from 'agentmq/protocol';
import { IsIn, IsInt, IsString } from 'class-validator';
import { databaseUrl, TcpProxy, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'job' })
class Job {
  @IsInt()
  n!: number;

  @IsIn(['return', 'hold', 'fail once', 'tell'])
  way!: 'return' | 'hold' | 'fail once' | 'tell';
}

@Contract({ type: 'long_text' })
class LongText {
  @IsString()
  text!: string;
}

@Contract({ type: 'chat' })
class Chat {
  @IsInt()
  n!: number;
}

const MESSAGE_BYTES = 64 * 1024;
const to = { to: { role: 'worker' } } as const;

describe('an agent that carries out tasks', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    MESSAGE_BUS_MAX_MESSAGE_BYTES: String(MESSAGE_BYTES),
    TRACE_RATE: '1000',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 }, shutdownTimeout: 2_000 });
  const begun: { readonly n: number; readonly by: string; readonly attempt: number | undefined }[] = [];
  const chats: { readonly n: number; readonly task: unknown }[] = [];
  const gates = new Map<number, () => void>();
  let boss: INestApplicationContext;
  let worker: INestApplicationContext;
  let tasks: Tasks;

  @Agent({ role: 'worker', concurrency: 1 })
  class Worker {
    constructor(
      private readonly identity: AgentIdentity,
      private readonly agents: AgentClient,
    ) {}

    @Task(Job)
    async job({ n, way }: Job, @Ctx() { task, signal }: TaskContext): Promise<{ n: number; by: string }> {
      begun.push({ n, by: this.identity.instance, attempt: task?.attempt });
      if (way === 'fail once' && task?.attempt === 1) throw new Error('once');
      if (way === 'tell') await this.agents.send({ role: 'worker' }, Chat, { n });
      if (way === 'hold')
        await new Promise<void>((open) => {
          gates.set(n, open);
          signal.addEventListener('abort', () => open());
        });
      signal.throwIfAborted();
      return { n, by: this.identity.instance };
    }

    @Task(LongText)
    repeat({ text }: LongText): LongText {
      return { text: text + text };
    }

    /** Of plain messages, though tasks of it can be submitted too. */
    @Task(Chat)
    async chat({ n }: Chat, @Ctx() { task, message }: TaskContext): Promise<void> {
      chats.push({ n, task });
      expect(message).toBe(currentMessage());
      if (n === 0) await new Promise<void>((open) => gates.set(n, open));
    }
  }

  @Agent({ role: 'boss' })
  class Boss {
    @Handle(Chat)
    hear(): void {}
  }

  const start = (id: string, more: { databaseUrl?: string } = {}): Promise<INestApplicationContext> =>
    system.start({ id, controllers: [Worker], imports: [TasksModule], ...more });
  const begins = (n: number, times = 1): Promise<unknown> =>
    until(`${n} to be begun`, () => begun.filter((each) => each.n === n).length >= times);
  const open = (n: number): void => gates.get(n)?.();
  /** Resolves when the leader has looked, and has found nothing open. */
  const leaderAtRest = async (): Promise<void> => {
    const { database } = system.store;
    const { ownQuery } = database;
    let atRest = false;
    database.ownQuery = async <Row>(...given: Parameters<typeof ownQuery>): Promise<Row[]> => {
      const rows = await ownQuery.apply(database, given);
      const [row] = rows as { readonly isAnyOpen?: boolean }[];
      if (row?.isAnyOpen === false) atRest = true;
      return rows as Row[];
    };
    await tasks.run(Job, { n: 10, way: 'return' }, to);
    await until('the leader to find nothing open', () => atRest);
    database.ownQuery = ownQuery;
  };

  beforeAll(async () => {
    boss = await system.start({ id: 'boss', controllers: [Boss], imports: [TasksModule, CoordinatorsModule] });
    tasks = boss.get(Tasks);
    worker = await start('worker-1');
  }, 30_000);
  afterAll(() => system.close());
  jest.setTimeout(30_000);

  it('is told again of what it was not told of, and begins it once', async () => {
    const bus = boss.get(MessageBus);
    const { announce } = bus;
    let rings = 0;
    bus.announce = (...given) => {
      const isRing = given[0] === 'tasks.assigned.worker-1';
      if (isRing && rings++ === 0) return;
      for (let times = isRing ? 2 : 1; times > 0; times--) announce.apply(bus, given);
    };
    expect(await tasks.run(Job, { n: 1, way: 'return' }, to)).toMatchObject({ n: 1 });
    bus.announce = announce;
    expect(rings).toBeGreaterThan(1);
    expect(begun.filter(({ n }) => n === 1)).toHaveLength(1);
  });

  it('begins what the leader was not told of, within seconds', async () => {
    const submitter = worker.get(MessageBus);
    const { announce } = submitter;
    let lost = 0;
    await leaderAtRest();
    submitter.announce = (...given) => {
      if (given[0] === 'tasks.coordinators') lost++;
      else announce.apply(submitter, given);
    };
    try {
      await worker.get(Tasks).submit(Job, { n: 11, way: 'return' }, to);
      await until('the task to be begun', () => begun.some(({ n }) => n === 11), 8_000);
      expect(lost).toBeGreaterThan(0);
    } finally {
      submitter.announce = announce;
    }
  });

  it('has places for tasks beside those for messages', async () => {
    await boss.get(AgentClient).send({ role: 'worker' }, Chat, { n: 0 });
    await until('the message to be handled', () => chats.length === 1);
    expect(await tasks.run(Job, { n: 2, way: 'return' }, to)).toMatchObject({ n: 2 });
    expect(chats).toEqual([{ n: 0, task: undefined }]);
    open(0);
  });

  it('takes payloads, and returns results, that are larger than a message may be', async () => {
    const text = 'x'.repeat(MESSAGE_BYTES);
    expect(await tasks.run(LongText, { text }, { ...to, answer: LongText })).toEqual({ text: text + text });
  });

  it('is on the trace of the task, under what that was submitted to, with each of its attempts and what came of it', async () => {
    const id = await tasks.submit(Job, { n: 3, way: 'fail once' }, to);
    await tasks.result(id);
    const told = await tasks.submit(Job, { n: 4, way: 'tell' }, to);
    await tasks.result(told);
    const tracer = boss.get(Tracer);
    const traceOf = (taskId: string) => tracer.getTrace(taskId).catch(() => undefined);
    const failing = await until('the attempts to be recorded', async () => {
      const trace = await traceOf(id);
      return trace?.complete ? trace : undefined;
    });
    expect(failing?.path).toEqual(['boss', 'worker-1']);
    expect(failing?.hops).toMatchObject([
      {
        messageId: id,
        kind: 'task',
        type: 'job',
        from: 'boss',
        to: 'role.worker',
        outcome: 'completed',
        attempts: [
          { attempt: 1, agent: 'worker-1', outcome: 'failed', error: { code: 'HANDLER_FAILED' } },
          { attempt: 2, agent: 'worker-1', outcome: 'completed' },
        ],
      },
    ]);
    const hops = await until('the message to be recorded', async () => {
      const trace = await traceOf(told);
      return trace?.complete && trace.hops.length === 2 ? trace.hops : undefined;
    });
    expect(hops?.[1]).toMatchObject({ kind: 'send', type: 'chat', from: 'worker-1', causationId: told });
  });

  it('records its result when its database is back', async () => {
    const proxy = await TcpProxy.before(databaseUrl());
    const away = await start('worker-2', { databaseUrl: proxy.through(databaseUrl()) });
    const id = await tasks.submit(Job, { n: 5, way: 'hold' }, { to: { agent: 'worker-2' }, attempts: 1 });
    await begins(5);
    proxy.refuse();
    proxy.cut();
    open(5);
    await until('the method to have ended', () => away.get(MessageBus).inFlight === 0);
    await proxy.accept();
    expect(await tasks.result(id)).toMatchObject({ n: 5 });
    expect(await tasks.find(id)).toMatchObject({ state: 'completed', failures: 0, attempt: 1 });
    await away.close();
    await proxy.close();
  });

  it('has what an earlier process of its id had begun taken from that, as a lost attempt', async () => {
    const first = await start('worker-3');
    const id = await tasks.submit(Job, { n: 6, way: 'hold' }, { to: { agent: 'worker-3' }, attempts: 2 });
    await begins(6);
    const second = await start('worker-3');
    await begins(6, 2);
    open(6);
    expect(await tasks.result(id)).toEqual({ n: 6, by: second.get(AgentIdentity).instance });
    const [row] = await system.store.database.query<{ failures: number; history: object[] }>(
      `SELECT failures, history FROM "${system.namespace}".tasks WHERE id = $1`,
      [id],
    );
    expect(row).toMatchObject({ failures: 1, history: [{ attempt: 1, agentId: 'worker-3', outcome: 'lost' }] });
    await Promise.all([first.close(), second.close()]);
  });

  it('gives back at once what it has not begun when it stops, and what it has begun when its time is over', async () => {
    const stopping = await start('worker-4');
    const options = { to: { agent: 'worker-4' } };
    const ids = await tasks.submitAll(
      Job,
      [7, 8].map((n) => ({ n, way: 'hold' as const })),
      options,
    );
    await begins(7);
    await until(
      'both to be assigned',
      async () => (await tasks.list({ state: 'assigned' })).filter(({ id }) => ids.includes(id)).length === 2,
    );
    const stateOf = async (place: number) => (await tasks.find(ids[place] ?? ''))?.state;
    const stopped = stopping.close();
    await until('the second to be given back', async () => (await stateOf(1)) === 'queued');
    expect(await stateOf(0)).toBe('assigned');
    await stopped;
    expect(await stateOf(0)).toBe('queued');
    expect(await tasks.find(ids[0] ?? '')).toMatchObject({ failures: 0 });
    for (const id of ids) await tasks.cancel(id, 'seen');
  });
});
