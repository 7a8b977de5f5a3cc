import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentIdentity, Ctx } from 'agentmq/agent';
import { AgentMQError, Contract } from 'agentmq/protocol';
import {
  Coordinators,
  CoordinatorsModule,
  Delegation,
  type DelegationOptions,
  InvalidTaskError,
  Task,
  TaskCancelledError,
  TaskContext,
  Tasks,
  TasksModule,
} from 'agentmq/coordination';
import { IsIn, IsInt } from 'class-validator';
import { databaseUrl, TcpProxy, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

const LEVELS = ['ceo', 'manager', 'lead', 'worker'] as const;
type Level = (typeof LEVELS)[number];
const WAYS = ['square', 'hold', 'hang', 'odd ones refuse', 'try twice'] as const;

/** The squares of the numbers from `first` on, `count` of them, are to be added up. */
@Contract({ type: 'sum' })
class Sum {
  @IsInt()
  first!: number;

  @IsInt()
  count!: number;

  @IsIn(WAYS)
  way!: (typeof WAYS)[number];
}

@Contract({ type: 'total' })
class Total {
  @IsInt()
  total!: number;

  /** How many numbers it is of. */
  @IsInt()
  count!: number;
}

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

class Split {
  static split({ first, count, way }: Sum, pieces: number): Sum[] {
    const size = Math.ceil(count / pieces);
    return Array.from({ length: Math.ceil(count / size) }, (_, n) => ({
      first: first + n * size,
      count: Math.min(size, count - n * size),
      way,
    }));
  }
}

const sum = (count: number, way: Sum['way'] = 'square'): Sum => ({ first: 1, count, way });
const expected = (count: number): Total => ({
  total: Array.from({ length: count }, (_, n) => (n + 1) ** 2).reduce((a, b) => a + b, 0),
  count,
});
const WAIT_MS = 20_000;
const PIECES = 3;

describe('delegation', () => {
  const system = new TestSystem({
    RABBITMQ_QUEUE_TYPE: 'classic',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 }, shutdownTimeout: 1_000 });
  const begun: { readonly id: string; readonly first: number; readonly by: string }[] = [];
  const stopped: string[] = [];
  const gate = { isOpen: false };
  const proxies: TcpProxy[] = [];
  /** What `delegate` is given beside the destination, by level. */
  let terms: Partial<Record<Level, Partial<DelegationOptions<Sum, Total>>>> = {};
  let delegation: Delegation;
  let tasks: Tasks;

  class Boss {
    constructor(
      private readonly level: Level,
      private readonly identity: AgentIdentity,
      private readonly work: Delegation,
    ) {}

    protected async carryOut(sum: Sum, { task, signal }: TaskContext): Promise<Total> {
      const id = task?.id ?? '';
      begun.push({ id, first: sum.first, by: this.identity.id });
      signal.addEventListener('abort', () => stopped.push(id));
      const role = LEVELS[LEVELS.indexOf(this.level) + 1] ?? 'worker';
      const { results } = await this.work.delegate(Sum, Split.split(sum, PIECES), {
        to: { role },
        answer: Total,
        ...terms[this.level],
      });
      if (sum.way === 'try twice' && task?.attempt === 1) throw new Error('once more');
      return {
        total: results.reduce((all, { total }) => all + total, 0),
        count: results.reduce((all, { count }) => all + count, 0),
      };
    }
  }

  const bossOf = (level: Level): new (...args: never[]) => object => {
    @Agent({ role: level, concurrency: 4 })
    class OfLevel extends Boss {
      constructor(identity: AgentIdentity, work: Delegation) {
        super(level, identity, work);
      }

      @Task(Sum)
      sum(payload: Sum, @Ctx() context: TaskContext): Promise<Total> {
        return this.carryOut(payload, context);
      }
    }
    return OfLevel;
  };

  @Agent({ role: 'worker', concurrency: 8 })
  class Worker {
    constructor(private readonly identity: AgentIdentity) {}

    @Task(Sum)
    async sum({ first, count, way }: Sum, @Ctx() { signal, task }: TaskContext): Promise<Total> {
      const id = task?.id ?? '';
      begun.push({ id, first, by: this.identity.id });
      signal.addEventListener('abort', () => stopped.push(id));
      if (way === 'hold') await until('the gate', () => gate.isOpen || signal.aborted, WAIT_MS);
      if (way === 'hang') await new Promise((resolve) => signal.addEventListener('abort', resolve));
      signal.throwIfAborted();
      if (way === 'odd ones refuse' && first % 2 === 1) throw new Refused(`not ${first}`);
      return { total: Split.split({ first, count, way }, count).reduce((all, one) => all + one.first ** 2, 0), count };
    }
  }

  @Agent({ role: 'boss' })
  class Coordinator {}

  const imports = [CoordinatorsModule];
  const start = (id: string, controller: new (...args: never[]) => object, where = {}) =>
    system.start({ id, controllers: [controller], imports: [TasksModule], ...where });
  const proxyBefore = async (url: string): Promise<TcpProxy> => {
    const proxy = await TcpProxy.before(url);
    proxies.push(proxy);
    return proxy;
  };
  const run = (
    payload: Sum,
    to: Level,
    options: { deadline?: number; onFailure?: 'partial'; attempts?: number } = {},
  ) => tasks.run(Sum, payload, { to: { role: to }, answer: Total, ...options });
  const workers = () => begun.filter(({ by }) => by.startsWith('worker'));
  const open = async () => [...(await tasks.list({ state: 'queued' })), ...(await tasks.list({ state: 'assigned' }))];

  beforeAll(async () => {
    await system.store.database.migrate();
    const apps: Promise<INestApplicationContext>[] = [
      system.start({ id: 'boss-1', controllers: [Coordinator], imports }),
      ...['ceo-1', 'manager-1', 'manager-2', 'lead-1'].map((id) => start(id, bossOf(id.slice(0, -2) as Level))),
      start('worker-1', Worker),
      start('worker-2', Worker),
    ];
    const [boss] = (await Promise.all(apps)) as [INestApplicationContext];
    delegation = boss.get(Delegation);
    tasks = boss.get(Tasks);
    await until('a leader', () => boss.get(Coordinators).group?.state.isLeader, WAIT_MS);
  });
  beforeEach(() => {
    begun.length = 0;
    stopped.length = 0;
    gate.isOpen = false;
    terms = {};
  });
  afterAll(async () => {
    await system.close();
    for (const proxy of proxies) await proxy.close();
  });

  it('goes down a tree of four levels and comes back as one answer, each deadline earlier than the one above', async () => {
    expect(await run(sum(27), 'ceo')).toEqual(expected(27));
    expect(workers()).toHaveLength(27);
    const path = await tasks.path(workers()[26]?.id ?? '');
    expect(path.map((id) => id.slice(0, -2))).toEqual(LEVELS);
    const [top] = await tasks.list({ limit: 1 });
    let above = top;
    for (let level = 1; level < LEVELS.length; level++) {
      const parts = await tasks.list({ parentId: above?.id ?? '' });
      expect(parts).toHaveLength(PIECES);
      for (const part of parts) expect(part.deadline.getTime()).toBeLessThan(above?.deadline.getTime() ?? 0);
      above = parts[0];
    }
  });

  it('goes on when a lead is cut off in the middle, whose parts that are done are not done again', async () => {
    const [broker, database] = [await proxyBefore(testBus.sharedUrl()), await proxyBefore(databaseUrl())];
    await start('lead-2', bossOf('lead'), {
      urls: [broker.through(testBus.sharedUrl())],
      databaseUrl: database.through(databaseUrl()),
    });
    terms = { lead: { concurrency: 2 } };
    const answer = run(sum(27, 'hold'), 'ceo');
    const leadsAtWork = () => new Set(begun.filter(({ by }) => by.startsWith('lead')).map(({ by }) => by));
    await until('both leads and their workers to have begun', () => leadsAtWork().size === 2 && workers().length >= 12);
    for (const proxy of [broker, database]) {
      proxy.refuse();
      proxy.cut();
    }
    gate.isOpen = true;
    expect(await answer).toEqual(expected(27));
    const all = workers().map(({ id }) => id);
    expect(new Set(all).size).toBe(27);
    expect(all).toHaveLength(27);
    const taken = begun.filter(({ by }) => by === 'lead-2').map(({ id }) => id);
    for (const id of taken) expect(await tasks.find(id)).toMatchObject({ agentId: 'lead-1', state: 'completed' });
    for (const proxy of [broker, database]) await proxy.accept();
  }, 60_000);

  it('stops below when the top is cancelled, and nothing begins afterwards', async () => {
    terms = { lead: { concurrency: 2 } };
    const id = await tasks.submit(Sum, sum(27, 'hang'), { to: { role: 'ceo' } });
    const answer = tasks.result(id);
    await until('leads and workers to have begun', () => workers().length >= 8, WAIT_MS);
    await tasks.cancel(id, 'no need');
    await expect(answer).rejects.toThrow(TaskCancelledError);
    await until('all signals', () => begun.every((each) => stopped.includes(each.id)));
    expect(await open()).toEqual([]);
    const before = begun.length;
    for (const each of begun) expect(await tasks.find(each.id)).toMatchObject({ state: 'cancelled' });
    // what comes later is begun later
    await run(sum(3), 'lead');
    expect(begun.slice(before)).toHaveLength(4);
  });

  it('fails at the first part that fails for good, says which, and cancels the others', async () => {
    const failing = run({ first: 2, count: 2, way: 'odd ones refuse' }, 'manager');
    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      reason: { code: 'PART_FAILED', details: { state: 'failed', reason: { code: 'PART_FAILED' } } },
      message: expect.stringContaining('not 3'),
    });
    expect(await open()).toEqual([]);
    expect(begun.filter(({ first, by }) => first === 3 && by.startsWith('worker'))).toHaveLength(1);
  });

  it('with partial results passes that policy on, and tells what is missing', async () => {
    expect(await run(sum(9, 'odd ones refuse'), 'manager', { onFailure: 'partial' })).toEqual({
      total: 4 + 16 + 36 + 64,
      count: 4,
    });
    const { results, unfinished, parts } = await delegation.delegate(Sum, Split.split(sum(4, 'odd ones refuse'), 4), {
      to: { role: 'worker' },
      onFailure: 'partial',
      keyOf: ({ first }) => `from ${first}`,
      answer: Total,
    });
    expect(results.map(({ total }) => total)).toEqual([4, 16]);
    expect(unfinished.map(({ key, state, error }) => [key, state, error.code])).toEqual([
      ['from 1', 'failed', 'REFUSED'],
      ['from 3', 'failed', 'REFUSED'],
    ]);
    expect(parts.map(({ key }) => key)).toEqual(['from 1', 'from 2', 'from 3', 'from 4']);
  });

  it('finds its parts again when the task is tried again', async () => {
    expect(await run(sum(3, 'try twice'), 'manager')).toEqual(expected(3));
    expect(begun.filter(({ by }) => by.startsWith('manager'))).toHaveLength(2);
    expect(workers()).toHaveLength(3);
  });

  it('takes no more pieces than may be open at once', async () => {
    let taken = 0;
    async function* pieces(): AsyncGenerator<Sum> {
      while (taken < 12) yield { first: ++taken, count: 1, way: 'hold' };
    }
    const all = delegation.delegate(Sum, pieces(), { to: { role: 'worker' }, answer: Total, concurrency: 5 });
    await until('some to have begun', () => workers().length === 5);
    expect(taken).toBe(5);
    expect(await open()).toHaveLength(5);
    gate.isOpen = true;
    expect((await all).results.map(({ total }) => total)).toEqual(Array.from({ length: 12 }, (_, n) => (n + 1) ** 2));
  });

  it('hands over what comes of its parts, in their order, and keeps none of it', async () => {
    const handed: (number | string)[] = [];
    const delegated = await delegation.delegate(Sum, Split.split(sum(12, 'odd ones refuse'), 12), {
      to: { role: 'worker' },
      answer: Total,
      concurrency: 4,
      onFailure: 'partial',
      each: (part) => void handed.push(part.state === 'completed' ? part.result.total : part.error.code),
    });
    expect(handed).toEqual(Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? 'REFUSED' : (n + 1) ** 2)));
    expect(delegated).toMatchObject({ parts: [], results: [], complete: true });
    expect(delegated.unfinished.map(({ key }) => key)).toEqual(['0', '2', '4', '6', '8', '10']);
  });

  it('ends parts in time for what is made of them, though nobody is there to do them', async () => {
    terms = { lead: { to: { role: 'nobody' } }, manager: { reserve: 2_000 } };
    const total = await run(sum(4), 'manager', { deadline: 3_500, onFailure: 'partial' });
    expect(total).toEqual({ total: 0, count: 0 });
    const ended = await tasks.list({ state: 'failed', limit: 1_000 });
    expect(ended.filter(({ destination }) => destination === 'role.nobody').map(({ error }) => error?.code)).toEqual(
      Array.from({ length: 4 }, () => 'TASK_DEADLINE_EXCEEDED'),
    );
    terms = { manager: { reserve: 10_000 } };
    await expect(run(sum(4), 'manager', { deadline: 5_000 })).rejects.toMatchObject({
      reason: { code: 'NO_TIME_LEFT', retryable: false },
    });
  });

  it('cancels what is open when whoever delegates gives up, or the source of pieces fails', async () => {
    const given = new AbortController();
    const hanging = delegation.delegate(Sum, Split.split(sum(3, 'hang'), 3), {
      to: { role: 'worker' },
      signal: given.signal,
    });
    await until('all to have begun', () => workers().length === 3);
    given.abort(new Error('had enough'));
    await expect(hanging).rejects.toThrow('had enough');
    await until('the signals', () => new Set(stopped).size === 3);
    function* source(): Generator<Sum> {
      yield sum(1, 'hang');
      throw new Error('no more');
    }
    await expect(delegation.delegate(Sum, source(), { to: { role: 'worker' } })).rejects.toThrow('no more');
    expect(await open()).toEqual([]);
  });

  it.each([
    ['concurrency', { concurrency: 0 }],
    ['reserve', { reserve: -1 }],
    ['deadline', { deadline: 0 }],
    ['attempts', { attempts: 101 }],
    ['keyOf', { keyOf: () => 'the same' }],
    ['keyOf', { keyOf: () => '' }],
    ['name', { name: 'a/b' }],
    ['to', { to: {} }],
  ])('is refused for a wrong %s, which is named', async (field, options) => {
    const pieces = Split.split(sum(2), 2);
    const error = await delegation
      .delegate(Sum, pieces, { to: { role: 'nobody' }, ...options } as never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidTaskError);
    expect(error).toMatchObject({ field });
    expect(await open()).toEqual([]);
  });
});
