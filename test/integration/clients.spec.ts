import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, type DynamicModule, type INestApplicationContext, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Agent, AgentClient, AgentIdentity, AgentModule, AgentRegistry, AgentServer, Handle } from 'agentmq/agent';
import {
  Consensus,
  ConsensusModule,
  CoordinatorsModule,
  Distribution,
  ElectionModule,
  Elections,
  Task,
  Tasks,
  TasksModule,
} from 'agentmq/coordination';
import { Health } from 'agentmq/telemetry';
import { Contract } from 'agentmq/protocol';
import { IsInt } from 'class-validator';
import { databaseUrl, TcpProxy, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'count_up', durable: true })
class CountUp {
  @IsInt()
  n!: number;
}
@Contract({ type: 'double_it' })
class DoubleIt extends CountUp {}

describe('an app without @Agent', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    REGISTRY_HEARTBEAT_INTERVAL: '1',
    REGISTRY_AGENT_TIMEOUT: '4',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  const counted: number[] = [];
  const apps: INestApplicationContext[] = [];

  @Agent({ role: 'counter', capabilities: ['counting'] })
  class Counter {
    @Handle(CountUp)
    count({ n }: CountUp): number {
      counted.push(n);
      return n + 1;
    }

    @Task(DoubleIt)
    double({ n }: DoubleIt): { n: number } {
      return { n: 2 * n };
    }
  }

  @Controller()
  class Stray {
    @Handle(CountUp)
    count(): void {}
  }

  /** Sends as early as an app can. */
  @Injectable()
  class Early {
    constructor(client: AgentClient) {
      void client.send({ role: 'counter' }, CountUp, { n: 1 });
    }
  }

  const clientModule = (own: object = {}, imports: DynamicModule['imports'] = []): DynamicModule => {
    class ClientModule {}
    const { hub, store } = system;
    const settings = { ...system.settings, ...own };
    const shared = settings.database.url === system.settings.database.url ? { store } : {};
    return { module: ClientModule, imports: [AgentModule.forRoot({ settings, hub, ...shared }), ...imports] };
  };
  const create = async (module: DynamicModule): Promise<INestApplicationContext> => {
    const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    apps.push(app);
    return app;
  };

  beforeAll(() =>
    system.start({ id: 'counter-1', controllers: [Counter], imports: [TasksModule, CoordinatorsModule] }),
  );
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    counted.length = 0;
  });
  afterAll(() => system.close());

  it('sends, asks, submits and finds, and is itself no agent', async () => {
    const app = await create(clientModule({}, [TasksModule, ElectionModule, ConsensusModule]));
    const client = app.get(AgentClient);
    const { id, roles } = app.get(AgentIdentity);
    expect([id, roles]).toEqual([expect.stringMatching(/^client-/), []]);
    expect(client.find({ role: 'counter' })).toMatchObject([{ id: 'counter-1', health: 'healthy' }]);
    expect(await client.request({ role: 'counter' }, CountUp, { n: 2 })).toBe(3);
    expect(await app.get(Distribution).request({ capability: 'counting' }, CountUp, { n: 3 })).toBe(4);
    await client.send({ agent: 'counter-1' }, CountUp, { n: 4 });
    const tasks = app.get(Tasks);
    expect(await tasks.result(await tasks.submit(DoubleIt, { n: 21 }))).toEqual({ n: 42 });
    await until('all is counted', () => counted.length === 3, 5_000);

    const { status, body } = await app.get(Health, { strict: false }).all();
    expect([status, body]).toMatchObject([200, { info: { client: { status: 'up', id } } }]);
    const refused = { code: 'NOT_AN_AGENT', retryable: false };
    await expect(app.get(Elections).join('counters')).rejects.toMatchObject(refused);
    const motion = { subject: 'more', electorate: ['counter-1'] };
    await expect(app.get(Consensus).propose(motion, motion)).rejects.toMatchObject(refused);
    await expect(app.get(AgentRegistry).addCapability('counting')).rejects.toMatchObject(refused);

    expect((await system.store.agents.read()).agents.map((agent) => agent.id)).toEqual(['counter-1']);
    expect((await system.store.subscriptions.list()).filter(({ consumer }) => consumer.includes('client'))).toEqual([]);
    await app.close();
    await expect(client.send({ role: 'counter' }, CountUp, { n: 5 })).rejects.toMatchObject({ code: 'BUS_STOPPED' });
  });

  it('may send in a constructor, and in a module that is never started', async () => {
    const app = await Test.createTestingModule({ imports: [clientModule()], providers: [Early] }).compile();
    apps.push(app);
    expect(await app.get(AgentClient).request({ role: 'counter' }, CountUp, { n: 2 })).toBe(3);
    await until('both are counted', () => counted.length === 2, 5_000);
  });

  it('may send and submit at any time of the start, on a database that is empty', async () => {
    const empty = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
    const early: Promise<unknown>[] = [];
    const timers: NodeJS.Timeout[] = [];
    @Injectable()
    class Busy {
      constructor(client: AgentClient, tasks: Tasks) {
        const once = () =>
          early.push(client.send({ role: 'counter' }, CountUp, { n: 1 }), tasks.submit(DoubleIt, { n: 1 }));
        once();
        timers.push(setInterval(once, 5));
      }
    }
    await empty.start({ id: 'counter-1', controllers: [Counter], imports: [TasksModule], providers: [Busy] });
    timers.forEach(clearInterval);
    const outcomes = await Promise.allSettled(early);
    await empty.close();
    expect(outcomes.length).toBeGreaterThan(2);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  it.each<[string, () => DynamicModule, RegExp]>([
    [
      'an @Agent that is a provider',
      () => ({ ...clientModule(), providers: [Counter] }),
      /Counter .* providers of ClientModule/,
    ],
    ['AgentModule twice', () => clientModule({}, [clientModule()]), /more than once/],
    ['a handler in a class that is no @Agent', () => ({ ...clientModule(), controllers: [Stray] }), /Stray declares/],
  ])('does not start with %s', async (_, module, message) => {
    const refusal = { code: 'AGENT_DECLARATION', message: expect.stringMatching(message) };
    await expect(create(module())).rejects.toMatchObject(refusal);
  });

  it('learns soon of agents that come and go', async () => {
    const client = (await create(clientModule())).get(AgentClient);
    const late = await system.start({ id: 'counter-2', controllers: [Counter], imports: [TasksModule] });
    await until('it is found', () => client.find({ id: 'counter-2' }).length === 1, 5_000);
    await late.close();
    await until('it is not found', () => client.find({ id: 'counter-2' }).length === 0, 5_000);
  });

  it('does not start, or starts and waits, while the database is away', async () => {
    const proxy = await TcpProxy.before(databaseUrl());
    proxy.refuse();
    const database = { ...system.settings.database, url: proxy.through(databaseUrl()) };
    await expect(create(clientModule({ database, start: 'fail' }))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    const app = await create(clientModule({ database, start: 'wait' }));
    expect(app.get(AgentServer).isReady).toBe(false);
    const sent = app.get(AgentClient).send({ role: 'counter' }, CountUp, { n: 6 });
    await proxy.accept();
    await sent;
    await until('it is counted', () => counted.includes(6), 5_000);
    await until('it is ready', () => app.get(AgentServer).isReady, 5_000);
    await app.close();
    await proxy.close();
  });
});
