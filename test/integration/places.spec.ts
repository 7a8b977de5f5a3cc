import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentIdentity } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { CoordinatorsModule, Delegation, Task, Tasks, TasksModule } from 'agentmq/coordination';
import { IsInt, IsString } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'tree' })
class Tree {
  /** How many levels are below this one. */
  @IsInt()
  below!: number;

  /** How many parts each has. */
  @IsInt()
  width!: number;

  /** The way from the top, e.g. `a.2.1`. */
  @IsString()
  path!: string;
}

@Contract({ type: 'leaves' })
class Leaves {
  @IsInt()
  count!: number;
}

@Contract({ type: 'piece' })
class Piece {
  @IsString()
  by!: string;
}

describe('places of agents', () => {
  const system = new TestSystem({
    RABBITMQ_QUEUE_TYPE: 'classic',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 } });
  /** What was begun, in order. */
  const begun: string[] = [];
  let open = (): void => undefined;
  let gate: Promise<void> = Promise.resolve();
  let tasks: Tasks;

  /** Delegates to its own role: agents with one place each. */
  @Agent({ role: 'node', concurrency: 1 })
  class Node {
    constructor(
      private readonly identity: AgentIdentity,
      private readonly delegation: Delegation,
    ) {}

    @Task(Tree)
    async split({ below, width, path }: Tree): Promise<Leaves> {
      begun.push(`${path} by ${this.identity.id}`);
      if (below === 0) return { count: 1 };
      const parts = Array.from({ length: width }, (_, n) => ({ below: below - 1, width, path: `${path}.${n}` }));
      const { results } = await this.delegation.delegate(Tree, parts, { to: { role: 'node' }, answer: Leaves });
      return { count: results.reduce((sum, { count }) => sum + count, 0) };
    }
  }

  @Agent({ role: 'manager', concurrency: 1 })
  class Manager {
    constructor(
      private readonly identity: AgentIdentity,
      private readonly delegation: Delegation,
    ) {}

    @Task(Piece)
    async manage({ by }: Piece): Promise<Piece> {
      begun.push(`manager ${this.identity.id}`);
      await this.delegation.delegate(Piece, [{ by }], { to: { role: 'worker' } });
      return { by: this.identity.id };
    }
  }

  @Agent({ role: 'worker', concurrency: 4 })
  class Worker {
    constructor(private readonly identity: AgentIdentity) {}

    @Task(Piece)
    async work({ by }: Piece): Promise<Piece> {
      begun.push(`piece ${by}`);
      if (by === 'held') await gate;
      return { by: this.identity.id };
    }
  }

  const start = (
    id: string,
    controller: typeof Node | typeof Manager | typeof Worker,
  ): Promise<INestApplicationContext> => system.start({ id, controllers: [controller], imports: [TasksModule] });
  const hold = (): void => {
    gate = new Promise((resolve) => (open = resolve));
  };

  @Agent({ role: 'boss' })
  class Boss {}

  beforeAll(async () => {
    const boss = await system.start({
      id: 'boss-1',
      controllers: [Boss],
      imports: [CoordinatorsModule],
    });
    tasks = boss.get(Tasks);
    await start('node-1', Node);
    await start('worker-1', Worker);
  });
  afterEach(() => {
    begun.length = 0;
    open();
  });
  afterAll(() => system.close());
  jest.setTimeout(60_000);

  const run = (path: string, below: number, width: number): Promise<Leaves> =>
    tasks.run(Tree, { below, width, path }, { to: { role: 'node' }, answer: Leaves, deadline: 40_000 });

  it('are given by wholes to their own parts, where there is no other', async () => {
    expect(await run('a', 3, 2)).toEqual({ count: 8 });
    const leaves = begun.filter((each) => /^a(\.\d){3} /.test(each));
    expect(new Set(leaves).size).toBe(8);
    expect(leaves).toHaveLength(8);
    const all = await tasks.list({ limit: 1_000 });
    expect(all.filter(({ failures }) => failures > 0)).toEqual([]);
  });

  it('are enough for many trees at once, on several agents', async () => {
    await start('node-2', Node);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => run(`b${n}`, 2, 2)));
    expect(answers).toEqual(answers.map(() => ({ count: 4 })));
    const leaves = begun.filter((each) => /^b\d(\.\d){2} /.test(each));
    expect(new Set(leaves.map((each) => each.split(' ')[0])).size).toBe(leaves.length);
    expect(leaves).toHaveLength(32);
  });

  it('of an agent that waits for others are left to those who have some', async () => {
    hold();
    await start('manager-1', Manager);
    const [first, second] = await tasks.submitAll(Piece, [{ by: 'held' }, { by: 'quick' }], {
      to: { role: 'manager' },
    });
    await until('the first waits', () => begun.includes('piece held'));
    expect(begun).toEqual(['manager manager-1', 'piece held']);
    await start('manager-2', Manager);
    expect(await tasks.result(second as string)).toEqual({ by: 'manager-2' });
    open();
    expect(await tasks.result(first as string)).toEqual({ by: 'manager-1' });
  });

  it('that become free are given what waits at agents that have none', async () => {
    hold();
    const pieces = ['held', 'held', 'held', 'held', 'ahead', 'ahead'].map((by) => ({ by }));
    const ids = await tasks.submitAll(Piece, pieces, { to: { role: 'worker' } });
    const isWaiting = async (id: string) => (await tasks.find(id))?.agentId === 'worker-1';
    for (const id of ids) await until('all to be with the first worker', () => isWaiting(id));
    await start('worker-2', Worker);
    for (const id of ids.slice(4)) expect(await tasks.result(id)).toEqual({ by: 'worker-2' });
    expect(begun.filter((each) => each === 'piece held')).toHaveLength(4);
    open();
    for (const id of ids.slice(0, 4)) expect(await tasks.result(id)).toEqual({ by: 'worker-1' });
    expect((await tasks.find(ids[5] as string))?.failures).toBe(0);
  });

  it('are not kept from others by many tasks of one key', async () => {
    hold();
    const to = { role: 'worker' };
    const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
    const by = async (key: string): Promise<Piece> =>
      tasks.run(Piece, { by: key }, { to, strategy: 'consistent-hash', key, answer: Piece });
    const agents = await Promise.all(keys.map(by));
    const held = await tasks.submitAll(
      Piece,
      Array.from({ length: 450 }, () => ({ by: 'held' })),
      { to, strategy: 'consistent-hash', key: 'k0' },
    );
    await until('no room', async () => (await tasks.find(held[7] as string))?.state === 'assigned');
    const elsewhere = keys.filter((_, n) => agents[n]?.by !== agents[0]?.by);
    expect(elsewhere).not.toEqual([]);
    for (const key of elsewhere) expect(await by(key)).not.toEqual(agents[0]);
    expect((await tasks.run(Piece, { by: 'anybody' }, { to, answer: Piece })).by).not.toBe(agents[0]?.by);
    open();
    await Promise.all(held.map((id) => tasks.result(id)));
  });
});
