import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Agent, AgentIdentity, AgentModule, AgentRegistry, AgentServer, Ctx } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import {
  Coordinators,
  CoordinatorsModule,
  Delegation,
  Pipelines,
  PipelinesModule,
  Task,
  TaskContext,
  Tasks,
} from 'agentmq/coordination';
import { BusStoppedError } from 'agentmq/messaging';
import { IsIn, IsInt } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

const WAYS = ['delegate', 'run a task', 'run a pipeline', 'come too late'] as const;

@Contract({ type: 'whole' })
class Whole {
  @IsInt()
  pieces!: number;

  @IsIn(WAYS)
  way!: (typeof WAYS)[number];
}

@Contract({ type: 'piece' })
class Piece {
  @IsInt()
  n!: number;
}

const WAIT_MS = 20_000;
const GRACE_MS = 10_000;

describe('an agent that stops while it waits for what others do for its task', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, {
    registry: { heartbeatInterval: 300, agentTimeout: 2_000 },
    shutdownTimeout: GRACE_MS,
  });
  const wholes: string[] = [];
  const pieces: number[] = [];
  const gate = { isOpen: false };
  const managers = new Map<string, INestApplication>();
  let registry: AgentRegistry;
  let tasks: Tasks;

  @Agent({ role: 'manager' })
  class Manager {
    constructor(
      private readonly identity: AgentIdentity,
      private readonly delegation: Delegation,
      private readonly work: Tasks,
      private readonly pipelines: Pipelines,
      private readonly server: AgentServer,
    ) {
      pipelines.define('line', [{ name: 'only', contract: Piece, to: { role: 'worker' } }]);
    }

    @Task(Whole)
    async whole({ pieces: count, way }: Whole): Promise<{ done: number }> {
      wholes.push(this.identity.id);
      const to = { role: 'worker' };
      if (way === 'run a task') await this.work.run(Piece, { n: 0 }, { to });
      if (way === 'run a pipeline') await this.pipelines.run('line', { n: 0 });
      if (way === 'come too late' && wholes.length === 1) {
        await until('it stops', () => this.server.isClosing, WAIT_MS);
        throw new BusStoppedError();
      }
      if (way !== 'delegate') return { done: 1 };
      const all = Array.from({ length: count }, (_, n) => ({ n }));
      return { done: (await this.delegation.delegate(Piece, all, { to })).results.length };
    }
  }

  @Agent({ role: 'worker', concurrency: 16 })
  class Worker {
    @Task(Piece)
    async piece({ n }: Piece, @Ctx() { signal }: TaskContext): Promise<{ n: number }> {
      pieces.push(n);
      await until('the gate', () => gate.isOpen || signal.aborted, WAIT_MS);
      signal.throwIfAborted();
      return { n };
    }
  }

  @Agent({ role: 'boss' })
  class Boss {}

  /** An app with HTTP, as `startAgent` makes it: Nest destroys its modules first, and stops the agent then. */
  async function startManager(id: string, shutdownTimeout = GRACE_MS): Promise<INestApplication> {
    class ManagerModule {}
    const { store, hub } = system;
    const module: DynamicModule = {
      module: ManagerModule,
      imports: [
        AgentModule.forRoot({ settings: { ...system.settings, agentId: id, shutdownTimeout }, hub, store }),
        PipelinesModule,
      ],
      controllers: [Manager],
    };
    const app = await NestFactory.create(module, { logger: false });
    app.connectMicroservice({ strategy: app.get(AgentServer) }, { inheritAppConfig: true });
    await app.init();
    await app.startAllMicroservices();
    managers.set(id, app);
    await until('it is known', () => registry.find({ id }).length === 1);
    return app;
  }

  /** Resolves with what waits for the end, when others know that it stops. */
  async function stop(id: string): Promise<{ readonly stopped: Promise<void> }> {
    const stopped = (managers.get(id) as INestApplication).close();
    managers.delete(id);
    await until('it is known to stop', () => registry.find({ id }).length === 0);
    return { stopped };
  }

  const submit = (options: Partial<Whole>, attempts: number): Promise<string> =>
    tasks.submit(Whole, { pieces: 0, way: 'delegate', ...options }, { to: { role: 'manager' }, attempts });

  beforeAll(async () => {
    await system.store.database.migrate();
    const boss = await system.start({
      id: 'boss-1',
      controllers: [Boss],
      imports: [PipelinesModule, CoordinatorsModule],
    });
    await system.start({ id: 'worker-1', controllers: [Worker], imports: [PipelinesModule] });
    tasks = boss.get(Tasks);
    registry = boss.get(AgentRegistry);
    await until('a leader', () => boss.get(Coordinators).group?.state.isLeader, WAIT_MS);
  }, 30_000);
  beforeEach(() => {
    wholes.length = 0;
    pieces.length = 0;
    gate.isOpen = false;
  });
  afterAll(async () => {
    for (const app of managers.values()) await app.close();
    await system.close();
  });

  it('finishes it, if that is soon enough, while those who wait elsewhere in it are told at once', async () => {
    const manager = await startManager('manager-1');
    const id = await submit({ pieces: 4 }, 1);
    await until('its parts', () => pieces.length === 4);
    const outside = manager
      .get(Tasks)
      .result(id)
      .catch((error: unknown) => error);
    const { stopped } = await stop('manager-1');
    expect(await outside).toBeInstanceOf(BusStoppedError);
    gate.isOpen = true;
    expect(await tasks.result(id)).toEqual({ done: 4 });
    await stopped;
    expect(wholes).toEqual(['manager-1']);
    expect(pieces).toHaveLength(4);
    expect(await tasks.find(id)).toMatchObject({ agentId: 'manager-1', attempt: 1, failures: 0 });
  });

  it.each([3, 1])('leaves it to another, with its parts as they are, and %d attempts', async (attempts) => {
    await startManager('manager-1', 300);
    const id = await submit({ pieces: 4 }, attempts);
    await until('its parts', () => pieces.length === 4);
    const parts = (await tasks.list({ parentId: id })).map((part) => part.id);
    const { stopped } = await stop('manager-1');
    await stopped;
    expect(await tasks.find(id)).toMatchObject({ state: 'queued', failures: 0, error: null });
    await startManager('manager-2');
    await until('the other', () => wholes.length === 2, WAIT_MS);
    gate.isOpen = true;
    expect(await tasks.result(id)).toEqual({ done: 4 });
    expect(wholes).toEqual(['manager-1', 'manager-2']);
    expect(pieces).toHaveLength(4);
    expect(await tasks.find(id)).toMatchObject({ agentId: 'manager-2', failures: 0 });
    for (const part of parts) expect(await tasks.find(part)).toMatchObject({ state: 'completed', failures: 0 });
    await (
      await stop('manager-2')
    ).stopped;
  });

  it.each(['run a task', 'run a pipeline'] as const)('costs that no attempt when it has begun to %s', async (way) => {
    await startManager('manager-1', 300);
    const id = await submit({ way }, 1);
    await until('it waits', () => pieces.length === 1);
    const { stopped } = await stop('manager-1');
    await stopped;
    await startManager('manager-2');
    await until('the other', () => wholes.length === 2, WAIT_MS);
    gate.isOpen = true;
    expect(await tasks.result(id)).toEqual({ done: 1 });
    expect(await tasks.find(id)).toMatchObject({ agentId: 'manager-2', failures: 0 });
    await (
      await stop('manager-2')
    ).stopped;
  });

  it('costs that no attempt when it comes too late for what it calls', async () => {
    await startManager('manager-1');
    const id = await submit({ way: 'come too late' }, 1);
    await until('it has begun', () => wholes.length === 1);
    const { stopped } = await stop('manager-1');
    await stopped;
    await startManager('manager-2');
    expect(await tasks.result(id)).toEqual({ done: 1 });
    expect(await tasks.find(id)).toMatchObject({ agentId: 'manager-2', failures: 0 });
    const { schema } = system.store.database;
    expect(await system.store.database.query(`SELECT FROM "${schema}".deliveries WHERE state = 'dead'`)).toEqual([]);
    await (
      await stop('manager-2')
    ).stopped;
  });
});
