import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import {
  Agent,
  AgentClient,
  AgentIdentity,
  AgentRegistry,
  AgentServer,
  AgentStop,
  AgentStops,
  Ctx,
  Handle,
} from 'agentmq/agent';
import { Contract, InvalidMessageError } from 'agentmq/protocol';
import {
  Coordinators,
  DeposedError,
  type Leadership,
  Scaler,
  Scaling,
  ScalingModule,
  Spawner,
  type StartedWorker,
  Task,
  type TaskContext,
  Tasks,
  TasksModule,
  UnknownRoleError,
} from 'agentmq/coordination';
import { MessageBus } from 'agentmq/messaging';
import { Metrics } from 'agentmq/telemetry';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'dig', retry: { attempts: 1 } })
class Dig {
  @IsInt()
  n!: number;
}

@Contract({ type: 'note' })
class Note {
  @IsInt()
  n!: number;
}

const WAIT_MS = 20_000;
const TASKS = 120;
const PRESENT = /^agentmq_scaling_workers\{role="digger"\} (\d+)$/m;

describe('coordinators that scale a role', () => {
  const system = new TestSystem({
    RABBITMQ_QUEUE_TYPE: 'classic',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '1',
    SCALING: 'digger:1-3',
    SCALING_TARGET_BACKLOG: '4',
    SCALING_COOL_DOWN: '0.5',
    SCALING_INTERVAL: '0.1',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 200, agentTimeout: 2_000 } });
  const diggers = new Map<string, INestApplicationContext>();
  const dug: { readonly n: number; readonly by: string }[] = [];
  /** Until then, diggers wait with what they have begun. */
  let mayDig = Promise.resolve();
  let readNotes: (() => void) | undefined;
  const notesAreRead = new Promise<void>((resolve) => (readNotes = resolve));
  let startsFail = false;
  let boss: INestApplicationContext;
  let other: INestApplicationContext;

  @Agent({ role: 'digger', capabilities: ['digging'], concurrency: 1 })
  class Digger {
    constructor(private readonly identity: AgentIdentity) {}

    @Task(Dig)
    async dig({ n }: Dig, @Ctx() { signal }: TaskContext): Promise<void> {
      await mayDig;
      await new Promise((resolve) => setTimeout(resolve, 40));
      signal.throwIfAborted();
      dug.push({ n, by: this.identity.id });
    }
  }

  @Agent({ role: 'boss' })
  class Boss {
    @Handle(Note)
    async read(): Promise<void> {
      await notesAreRead;
    }
  }

  /** Starts agents in this process, where each can stop but itself. */
  class HereSpawner extends Spawner {
    constructor(private readonly stops: AgentStops) {
      super();
    }

    async start(): Promise<StartedWorker> {
      if (startsFail) throw new Error('no room');
      const id = `d${diggers.size + 1}`;
      diggers.set(id, await system.start({ id, controllers: [Digger], imports: [TasksModule] }));
      return { ended: new Promise(() => undefined) };
    }

    async stop(agent: { readonly id: string; readonly instance: string }, reason: string): Promise<void> {
      await this.stops.ask(agent, reason);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [AgentStops], HereSpawner);

  const startBoss = (id: string) => {
    const scaling = ScalingModule.forRoot({ spawner: HereSpawner });
    return system.start({ id, controllers: [Boss], imports: [scaling] });
  };
  const alive = (): string[] =>
    boss
      .get(AgentRegistry)
      .find({ role: 'digger' })
      .map(({ id }) => id);
  const aliveAre = (count: number) =>
    until(`${count} diggers`, () => (alive().length === count ? alive() : undefined), WAIT_MS);
  /** What its metrics say of how many diggers there are. */
  const gaugeOf = async (app: INestApplicationContext): Promise<number | undefined> => {
    const found = PRESENT.exec(await app.get(Metrics).registry.metrics())?.[1];
    return found === undefined ? undefined : Number(found);
  };

  beforeAll(async () => {
    boss = await startBoss('b1');
    await until('a leader', () => boss.get(Coordinators).group?.state.isLeader, WAIT_MS);
    other = await startBoss('b2');
    await aliveAre(1);
  }, 2 * WAIT_MS);

  afterAll(() => system.close(), 2 * WAIT_MS);

  it(
    'start workers up to the most when tasks wait, and stop them to the least when none do; all tasks are done',
    async () => {
      const payloads = Array.from({ length: TASKS }, (_, n) => ({ n }));
      let dig = (): void => undefined;
      mayDig = new Promise((resolve) => (dig = resolve));
      const ids = await boss.get(Tasks).submitAll(Dig, payloads, { to: { capability: 'digging' } });
      await aliveAre(3);
      dig();
      await Promise.all(ids.map((id) => boss.get(Tasks).result(id)));
      expect(dug.map(({ n }) => n).sort((a, b) => a - b)).toEqual(payloads.map(({ n }) => n));
      expect(new Set(dug.map(({ by }) => by)).size).toBe(3);
      const [stays] = await aliveAre(1);
      expect(diggers.size).toBe(3);
      // each has stopped itself, and nobody else in the process
      for (const [id, app] of diggers)
        await until(`${id} to be as told`, () => app.get(AgentServer).isClosing === (id !== stays), WAIT_MS);
      expect(boss.get(AgentServer).isReady).toBe(true);
    },
    3 * WAIT_MS,
  );

  it('tell how it stands, alike whoever leads', async () => {
    const expected = { role: 'digger', backlog: 0, workers: 1, desired: 1, min: 1, max: 3 };
    for (const app of [boss, other])
      await until('the numbers', async () => isEqual(await app.get(Scaling).of('digger'), expected), WAIT_MS);
    // told by the leader alone, at its next look
    const told = async () => (await Promise.all([boss, other].map(gaugeOf))).filter((gauge) => gauge !== undefined);
    await until('the gauge', async () => isEqual(await told(), [1]), WAIT_MS);
  });

  it('count messages that wait for a role, and those being handled', async () => {
    const agents = boss.get(AgentClient);
    for (let n = 0; n < 3; n++) await agents.send({ role: 'digger' }, Note, { n });
    // nobody of this role reads notes: they end dead, and wait for nobody
    await until('no backlog', async () => (await boss.get(Scaling).of('digger')).backlog === 0, WAIT_MS);
    for (let n = 0; n < 5; n++) await agents.send({ role: 'boss' }, Note, { n });
    const scale = await until(
      'a backlog of 5',
      async () => {
        const found = await other.get(Scaling).of('boss');
        return found.backlog === 5 ? found : undefined;
      },
      WAIT_MS,
    );
    readNotes?.();
    // not named in SCALING, and known all the same
    expect(scale).toEqual({ role: 'boss', backlog: 5, workers: 2, desired: 2, min: null, max: null });
    expect((await boss.get(Scaling).all()).map(({ role }) => role)).toEqual(['boss', 'digger']);
  });

  it('refuse roles that nobody knows, and what is no role', async () => {
    await expect(boss.get(Scaling).of('baker')).rejects.toThrow(UnknownRoleError);
    await expect(boss.get(Scaling).of('a b')).rejects.toThrow(InvalidMessageError);
  });

  it('stop for no message that the record does not confirm', async () => {
    const [id = ''] = alive();
    const forged = { agentId: id, instance: instanceOf(id), reason: 'forged' };
    const looks = jest.spyOn(system.store.database, 'query');
    other.get(MessageBus).announce(`agents.stop.${id}`, AgentStop, forged, { ttl: WAIT_MS });
    const looked = () => looks.mock.calls.findIndex(([sql]) => sql.includes('agent_stops'));
    await until('it to have looked', () => looked() >= 0, WAIT_MS);
    await looks.mock.results[looked()]?.value;
    looks.mockRestore();
    const done = await boss.get(Tasks).submit(Dig, { n: -2 }, { to: { agent: id } });
    await boss.get(Tasks).result(done);
    expect(diggers.get(id)?.get(AgentServer).isClosing).toBe(false);
  });

  it('stop no instance that came after the one that is meant', async () => {
    const [id = ''] = alive();
    await boss.get(AgentStops).ask({ id, instance: 'an earlier one' }, 'by mistake');
    const instance = diggers.get(id)?.get(AgentIdentity).instance ?? '';
    // announcements to one topic come in order
    const done = await boss.get(Tasks).submit(Dig, { n: -1 }, { to: { agent: id } });
    await boss.get(Tasks).result(done);
    expect(diggers.get(id)?.get(AgentServer).isClosing).toBe(false);
    expect(instance).not.toBe('');
  });

  it(
    'start nobody once another leads, even if they do not know it yet',
    async () => {
      const ended = new AbortController();
      const fenced: number[] = [];
      const leadership = {
        term: 1,
        signal: ended.signal,
        fence: () => {
          fenced.push(1);
          return Promise.reject(new DeposedError('coordinators', 1));
        },
      } as unknown as Leadership;
      await aliveAre(1);
      startsFail = true;
      try {
        await boss.get(AgentStops).ask({ id: alive()[0] ?? '', instance: instanceOf(alive()[0]) }, 'to see');
        await aliveAre(0);
        const before = diggers.size;
        const running = other.get(Scaler).run(leadership);
        await until('it to have wanted to start one', () => fenced.length > 1, WAIT_MS);
        ended.abort();
        await running;
        expect(diggers.size).toBe(before);
      } finally {
        startsFail = false;
      }
      await aliveAre(1);
    },
    2 * WAIT_MS,
  );

  it(
    'lose nothing of a worker that is stopped while it works, and do nothing twice',
    async () => {
      const payloads = Array.from({ length: TASKS }, (_, n) => ({ n: 1_000 + n }));
      const ids = await boss.get(Tasks).submitAll(Dig, payloads, { to: { role: 'digger' } });
      const done = () => dug.filter(({ n }) => n >= 1_000);
      const worker = await until('one to have begun', () => done()[3]?.by, WAIT_MS);
      await boss.get(AgentStops).ask({ id: worker, instance: instanceOf(worker) }, 'to see what becomes of its tasks');
      await Promise.all(ids.map((id) => boss.get(Tasks).result(id)));
      expect(diggers.get(worker)?.get(AgentServer).isClosing).toBe(true);
      const numbers = done().map(({ n }) => n);
      expect(numbers.sort((a, b) => a - b)).toEqual(payloads.map(({ n }) => n));
      await aliveAre(1);
    },
    3 * WAIT_MS,
  );

  it(
    'go on when the one that leads is gone: the next finds the workers that there are',
    async () => {
      const before = diggers.size;
      const leads = (app: INestApplicationContext) => app.get(Coordinators).group?.state.isLeader === true;
      const leader = await until('a leader', () => [boss, other].find(leads), WAIT_MS);
      boss = leader === boss ? other : boss;
      await leader.close();
      await until('the next leader to scale', async () => leads(boss) && (await gaugeOf(boss)) === 1, WAIT_MS);
      expect(diggers.size).toBe(before);
      const payloads = Array.from({ length: TASKS }, (_, n) => ({ n }));
      const ids = await boss.get(Tasks).submitAll(Dig, payloads, { to: { role: 'digger' } });
      await aliveAre(3);
      await Promise.all(ids.map((id) => boss.get(Tasks).result(id)));
      expect(diggers.size).toBe(before + 2);
      await aliveAre(1);
    },
    3 * WAIT_MS,
  );

  const instanceOf = (id = ''): string => diggers.get(id)?.get(AgentIdentity).instance ?? '';
});

const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
