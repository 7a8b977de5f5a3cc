import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Agent, AgentIdentity, Ctx } from 'agentmq/agent';
import { MessageBus } from 'agentmq/messaging';
import { AgentMQError, Contract, ContractViolationError } from 'agentmq/protocol';
import {
  Coordinators,
  CoordinatorsModule,
  InvalidTaskError,
  Strategies,
  type Strategy,
  Task,
  TaskCancelledError,
  TaskContext,
  TaskFailedError,
  Tasks,
  TasksModule,
  TaskTakenError,
  UnknownTaskError,
} from 'agentmq/coordination';
import { IsIn, IsInt, IsString } from 'class-validator';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

const WAYS = [
  'double',
  'fail',
  'refuse',
  'lose another',
  'hang',
  'write',
  'write and fail',
  'write and refuse',
  'write and run',
  'return a bigint',
  'return a function',
  'return too much',
] as const;

@Contract({ type: 'crunch' })
class Crunch {
  @IsInt()
  n!: number;

  @IsIn(WAYS)
  way!: (typeof WAYS)[number];
}

@Contract({ type: 'crunched' })
class Crunched {
  @IsInt()
  n!: number;

  @IsString()
  by!: string;
}

@Contract({ type: 'echo' })
class Echo {
  @IsString()
  text!: string;
}

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

const crunch = (n: number, way: Crunch['way'] = 'double'): Crunch => ({ n, way });
/** What can't be recorded as the result of a task. */
const oddResult = (way: Crunch['way']): unknown =>
  way === 'return a bigint' ? { n: 1n } : way === 'return a function' ? () => 1 : { text: 'x'.repeat(MAX_BYTES) };
const WAIT_MS = 20_000;
const MAX_BYTES = 1024 * 1024;

describe.each([{ bus: testBus.name }, { bus: 'in_memory' }])('tasks over $bus', ({ bus }) => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: bus,
    RABBITMQ_QUEUE_TYPE: 'classic',
    RETRY_ATTEMPTS: '1',
    TASK_MAX_BYTES: String(MAX_BYTES),
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 }, shutdownTimeout: 2_000 });
  /** Who began what, in order; and who was told to stop. */
  const begun: { readonly id: string; readonly n: number; readonly by: string }[] = [];
  const stopped: number[] = [];
  const agents = new Map<string, INestApplicationContext>();
  let tasks: Tasks;

  @Injectable()
  class Cruncher {
    constructor(private readonly identity: AgentIdentity) {}

    protected async work({ n, way }: Crunch, { task, signal }: TaskContext): Promise<Crunched> {
      begun.push({ id: task?.id ?? '', n, by: this.identity.id });
      if (way === 'fail') throw new Error('not today');
      if (way === 'refuse') throw new Refused('never');
      if (way === 'lose another') throw new TaskTakenError('another');
      if (way === 'hang') await new Promise((resolve) => signal.addEventListener('abort', resolve));
      if (signal.aborted) stopped.push(n);
      signal.throwIfAborted();
      if (way.startsWith('return')) return oddResult(way) as Crunched;
      return { n: 2 * n, by: this.identity.id };
    }
  }

  @Agent({ role: 'worker', capabilities: ['crunching'], concurrency: 2 })
  class Worker extends Cruncher {
    @Task(Crunch)
    crunch(payload: Crunch, @Ctx() context: TaskContext): Promise<Crunched> {
      return this.work(payload, context);
    }
  }

  @Agent({ role: 'echoer' })
  class Echoer {
    @Task(Echo)
    echo(payload: Echo): Echo {
      return payload;
    }
  }

  @Agent({ role: 'writer', concurrency: 2 })
  class Writer {
    @Task(Crunch, { transactional: true })
    async write({ n, way }: Crunch, @Ctx() { task, transaction, signal }: TaskContext): Promise<{ n: number }> {
      begun.push({ id: task?.id ?? '', n, by: 'writer-1' });
      await transaction.query(`INSERT INTO ${system.namespace}.written (n) VALUES ($1)`, [n]);
      if (way === 'hang') await new Promise((resolve) => signal.addEventListener('abort', resolve));
      if (way === 'write and fail') throw new Error('after writing');
      if (way === 'write and refuse') throw new Refused('after writing');
      if (way === 'write and run') await tasks.run(Crunch, crunch(n), toRole);
      if (way === 'lose another') throw new TaskTakenError('another');
      if (way.startsWith('return')) return oddResult(way) as { n: number };
      return { n };
    }
  }

  @Agent({ role: 'boss' })
  class Boss {}

  const start = async (id: string, controller: new (...args: never[]) => object, coordinates = false) => {
    const imports = coordinates ? [CoordinatorsModule] : [TasksModule];
    agents.set(id, await system.start({ id, controllers: [controller], imports }));
  };
  const stop = async (id: string): Promise<void> => {
    await agents.get(id)?.close();
    agents.delete(id);
  };
  const leader = (): string | undefined =>
    [...agents].find(([id, app]) => id.startsWith('boss') && app.get(Coordinators).group?.state.isLeader)?.[0];
  const begunBy = (id: string): string[] => begun.filter((each) => each.id === id).map(({ by }) => by);
  const toRole = { to: { role: 'worker' } } as const;

  beforeAll(async () => {
    await system.store.database.migrate();
    await system.store.database.query(`CREATE TABLE ${system.namespace}.written (n integer)`);
    await Promise.all([
      start('boss-1', Boss, true),
      start('worker-1', Worker),
      start('worker-2', Worker),
      start('writer-1', Writer),
      start('echoer-1', Echoer),
    ]);
    tasks = (agents.get('worker-1') as INestApplicationContext).get(Tasks);
    await until('a leader', leader, WAIT_MS);
  });
  afterAll(() => system.close());

  it('are done by an agent of the role, or one that is able, or the one that was named', async () => {
    const answer = { answer: Crunched };
    const anyone = await tasks.run(Crunch, crunch(1), { ...toRole, ...answer });
    expect(anyone).toBeInstanceOf(Crunched);
    expect(anyone.n).toBe(2);
    expect((await tasks.run(Crunch, crunch(2), { to: { capability: 'crunch*' }, ...answer })).n).toBe(4);
    expect(await tasks.run(Crunch, crunch(3), { to: { agent: 'worker-2' }, ...answer })).toEqual({
      n: 6,
      by: 'worker-2',
    });
  });

  it('are all done once, and by all', async () => {
    const ids = await tasks.submitAll(
      Crunch,
      Array.from({ length: 60 }, (_, n) => crunch(n)),
      toRole,
    );
    const results = await Promise.all(ids.map((id) => tasks.result(id, { answer: Crunched })));
    expect(results.map(({ n }) => n)).toEqual(ids.map((_, n) => 2 * n));
    for (const id of ids) expect(begunBy(id)).toHaveLength(1);
    expect(new Set(results.map(({ by }) => by))).toEqual(new Set(['worker-1', 'worker-2']));
  });

  it('are tried elsewhere when they fail, and end as failed with the reason', async () => {
    const id = await tasks.submit(Crunch, crunch(1, 'fail'), { ...toRole, attempts: 2 });
    await expect(tasks.result(id)).rejects.toThrow(TaskFailedError);
    await expect(tasks.result(id)).rejects.toMatchObject({ reason: { code: 'HANDLER_FAILED', message: 'not today' } });
    expect(new Set(begunBy(id))).toEqual(new Set(['worker-1', 'worker-2']));
    expect(await tasks.find(id)).toMatchObject({ state: 'failed', failures: 2, attempt: 2 });
  });

  it('are not tried again when that is no use', async () => {
    const id = await tasks.submit(Crunch, crunch(1, 'refuse'), toRole);
    await expect(tasks.result(id)).rejects.toMatchObject({ reason: { code: 'REFUSED' } });
    expect(begunBy(id)).toHaveLength(1);
  });

  it.each(
    ['worker', 'writer'].flatMap((role) =>
      (['return a bigint', 'return a function', 'return too much'] as const).map((way) => [role, way] as const),
    ),
  )('fail once when the method of a %s has a result that can not be kept: %s', async (role, way) => {
    const id = await tasks.submit(Crunch, crunch(70, way), { to: { role }, attempts: 3 });
    await expect(tasks.result(id)).rejects.toMatchObject({ reason: { code: 'TASK_RESULT_INVALID', retryable: false } });
    expect(await tasks.find(id)).toMatchObject({ state: 'failed', failures: 1 });
    expect(begunBy(id)).toHaveLength(1);
    expect(await system.store.database.query(`SELECT n FROM ${system.namespace}.written WHERE n = 70`)).toEqual([]);
  });

  it.each(['worker', 'writer'])('have failed when the method of a %s throws that it has lost another', async (role) => {
    const id = await tasks.submit(Crunch, crunch(1, 'lose another'), { to: { role }, attempts: 1 });
    await expect(tasks.result(id)).rejects.toMatchObject({ reason: { code: 'TASK_TAKEN' } });
  });

  it('end by their deadline, with their agent told', async () => {
    const id = await tasks.submit(Crunch, crunch(700, 'hang'), { ...toRole, deadline: 1_500 });
    await expect(tasks.result(id)).rejects.toMatchObject({ reason: { code: 'TASK_DEADLINE_EXCEEDED' } });
    await until('the signal', () => stopped.includes(700));
    const nobodys = await tasks.submit(Crunch, crunch(1), { to: { role: 'nobody' }, deadline: 100 });
    await expect(tasks.result(nobodys)).rejects.toMatchObject({ reason: { code: 'TASK_DEADLINE_EXCEEDED' } });
  });

  it('can be cancelled, before they begin and after', async () => {
    const waiting = await tasks.submit(Crunch, crunch(1), { to: { role: 'nobody' } });
    expect(await tasks.cancel(waiting, 'no need')).toBe(true);
    await expect(tasks.result(waiting)).rejects.toThrow(TaskCancelledError);
    expect(await tasks.cancel(waiting, 'again')).toBe(false);
    const underWay = await tasks.submit(Crunch, crunch(701, 'hang'), toRole);
    await until('it is begun', () => begunBy(underWay).length > 0);
    await tasks.cancel(underWay, 'no need');
    await until('the signal', () => stopped.includes(701));
    expect(await tasks.find(underWay)).toMatchObject({ state: 'cancelled', error: { message: 'no need' } });
    const given = new AbortController();
    const running = tasks.run(Crunch, crunch(702, 'hang'), { ...toRole, signal: given.signal });
    await until('it is begun', () => begun.some(({ n }) => n === 702));
    given.abort(new Error('had enough'));
    await expect(running).rejects.toThrow('had enough');
    await until('the signal', () => stopped.includes(702));
  });

  it('write what they write with their result, or not at all', async () => {
    const to = { to: { role: 'writer' } } as const;
    expect(await tasks.run(Crunch, crunch(1, 'write'), to)).toEqual({ n: 1 });
    const failing = tasks.run(Crunch, crunch(2, 'write and fail'), { ...to, attempts: 1 });
    await expect(failing).rejects.toMatchObject({ reason: { message: 'after writing' } });
    const refused = await tasks.submit(Crunch, crunch(6, 'write and refuse'), to);
    await expect(tasks.result(refused)).rejects.toMatchObject({ reason: { code: 'REFUSED' } });
    expect(begunBy(refused)).toHaveLength(1);
    const rows = await system.store.database.query<{ n: number }>(`SELECT n FROM ${system.namespace}.written`);
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('are seen to have begun, and are cancelled, while their transaction is open', async () => {
    const id = await tasks.submit(Crunch, crunch(3, 'hang'), { to: { role: 'writer' } });
    await until('it is begun', async () => (await tasks.find(id))?.startedAt);
    expect(await tasks.cancel(id, 'no need')).toBe(true);
    await expect(tasks.result(id)).rejects.toThrow(TaskCancelledError);
    await until('the transaction to be over', () => agents.get('writer-1')?.get(MessageBus).inFlight === 0);
    const rows = await system.store.database.query(`SELECT n FROM ${system.namespace}.written WHERE n = 3`);
    expect(rows).toEqual([]);
  });

  it('are submitted with the caller’s own commit, or not at all', async () => {
    let lost = '';
    const rolledBack = system.store.database.transaction(async (transaction) => {
      lost = await tasks.submit(Crunch, crunch(1), { ...toRole, transaction });
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    await expect(tasks.result(lost)).rejects.toThrow(UnknownTaskError);
    const kept = await system.store.database.transaction((transaction) =>
      tasks.submit(Crunch, crunch(4), { ...toRole, transaction }),
    );
    expect(await tasks.result(kept)).toMatchObject({ n: 8 });
  });

  it('are not waited for in the transaction that they would be committed with', async () => {
    const refused = { code: 'INVALID_TASK', field: 'transaction' };
    const given = system.store.database.transaction((transaction) =>
      tasks.run(Crunch, crunch(1), { ...toRole, transaction }).catch((error: unknown) => error),
    );
    expect(await given).toMatchObject(refused);
    const inHandler = tasks.run(Crunch, crunch(7, 'write and run'), { to: { role: 'writer' } });
    await expect(inHandler).rejects.toMatchObject({
      reason: { code: 'INVALID_TASK', details: { field: 'transaction' } },
    });
  });

  it('take any text as payload, result and reason, and know of no task by an id that cannot be one', async () => {
    const text = 'a\0b\ud800c\u2028';
    expect(await tasks.run(Echo, { text }, { to: { role: 'echoer' }, answer: Echo })).toEqual({ text });
    const id = await tasks.submit(Echo, { text }, { to: { role: 'nobody' } });
    await tasks.cancel(id, text);
    await expect(tasks.result(id)).rejects.toMatchObject({ code: 'TASK_CANCELLED', reason: text });
    const waiting = tasks.run(Crunch, crunch(8), toRole);
    await expect(tasks.result('a\0b')).rejects.toThrow(UnknownTaskError);
    expect(await waiting).toMatchObject({ n: 16 });
    expect(await tasks.find('a\0b')).toBeUndefined();
    expect(await tasks.cancel('a\0b', 'no need')).toBe(false);
    expect(await tasks.path('a\0b')).toEqual([]);
    await expect(tasks.list({ after: 'a\0b' })).rejects.toMatchObject({ code: 'INVALID_TASK', field: 'after' });
    await expect(tasks.list({ parentId: 'a\0b' })).rejects.toMatchObject({ code: 'INVALID_TASK', field: 'parentId' });
  });

  it.each([
    ['to', {}, { to: {} }],
    ['to', {}, { to: { role: 'no role' } }],
    ['strategy', {}, { ...toRole, strategy: 'by mood' }],
    ['priority', {}, { ...toRole, priority: 11 }],
    ['attempts', {}, { ...toRole, attempts: 0 }],
    ['deadline', {}, { ...toRole, deadline: 0.5 }],
    ['key', {}, { ...toRole, key: '' }],
    ['key', {}, { ...toRole, key: 'a\0b' }],
    ['key', {}, { ...toRole, key: 'a\ud800b' }],
    ['to', {}, { to: { capability: 'a\0b' } }],
  ])('are refused for a wrong %s, which is named', async (field, _, options) => {
    const error = await tasks.submit(Crunch, crunch(1), options as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidTaskError);
    expect(error).toMatchObject({ field });
    await expect(tasks.submit(Crunch, { n: 0.5, way: 'double' }, toRole)).rejects.toThrow(ContractViolationError);
  });

  it('fail when the coordinator does not know their strategy, and are done when that strategy fails', async () => {
    const own = agents.get('worker-1')?.get(Strategies) as Strategies;
    own.add('own', () => ({ choose: ([first]) => first }));
    const unknown = tasks.run(Crunch, crunch(1), { ...toRole, strategy: 'own' });
    await expect(unknown).rejects.toMatchObject({ reason: { code: 'UNKNOWN_STRATEGY' } });
    const choose: Strategy['choose'] = () => {
      throw new Error('in no mood');
    };
    const moody = (): Strategy => ({ choose });
    own.add('moody', moody);
    agents.get('boss-1')?.get(Strategies).add('moody', moody);
    expect(await tasks.run(Crunch, crunch(5), { ...toRole, strategy: 'moody' })).toMatchObject({ n: 10 });
  });

  it('go to others when their agent stops', async () => {
    await start('worker-3', Worker);
    const hanging = await tasks.submitAll(
      Crunch,
      [1, 2].map((n) => crunch(n, 'hang')),
      { to: { agent: 'worker-3' } },
    );
    await until('both are begun', () => hanging.every((id) => begunBy(id).length > 0));
    const more = await tasks.submitAll(
      Crunch,
      [3, 4].map((n) => crunch(n)),
      { to: { agent: 'worker-3' } },
    );
    await until('it holds all', async () => (await tasks.backlog()).some(({ assigned }) => assigned === 4));
    const stopping = stop('worker-3');
    await until('they are taken', async () => (await tasks.backlog()).some(({ queued }) => queued >= 2));
    await start('worker-3b', Worker);
    await stopping;
    await until('all are taken', async () => (await tasks.backlog()).some(({ queued }) => queued === 4), WAIT_MS);
    for (const id of [...hanging, ...more]) expect((await tasks.find(id))?.state).toBe('queued');
    for (const id of [...hanging, ...more]) await tasks.cancel(id, 'seen');
    await stop('worker-3b');
  });

  it('go on when the coordinator that assigns them is gone', async () => {
    await start('boss-2', Boss, true);
    const leading = (await until('a leader', leader)) ?? '';
    await stop(leading);
    const ids = await tasks.submitAll(
      Crunch,
      Array.from({ length: 20 }, (_, n) => crunch(n)),
      toRole,
    );
    await until('the next', leader, WAIT_MS);
    const results = await Promise.all(ids.map((id) => tasks.result(id, { answer: Crunched })));
    expect(results.map(({ n }) => n)).toEqual(ids.map((_, n) => 2 * n));
  });
});
