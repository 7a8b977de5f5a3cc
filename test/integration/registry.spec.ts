import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { Agent, AgentClient, AgentPauses, AgentRegistry, AgentServer, Handle, HandleTask } from 'agentmq/agent';
import type { AgentQuery } from 'agentmq/agent';
import { AgentDeregistered, AgentRegistered, AgentUpdated } from 'agentmq/agent';
import { Contract, InvalidMessageError } from 'agentmq/protocol';
import { BusStoppedError, MessageBus } from 'agentmq/messaging';
import { IsInt } from 'class-validator';
import { map } from 'rxjs';
import { databaseUrl, TcpProxy, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 3_000;
const WAIT_MS = 30_000;
const REGISTRY = {
  REGISTRY_HEARTBEAT_INTERVAL: String(INTERVAL_MS / 1_000),
  REGISTRY_AGENT_TIMEOUT: String(TIMEOUT_MS / 1_000),
};

@Contract({ type: 'number_given' })
class NumberGiven {
  @IsInt()
  n!: number;
}

/** A class of agents that note down what they get. */
function member(received: number[] = []): Type {
  @Agent({ role: 'member', capabilities: ['noting'] })
  class Member {
    @Handle(NumberGiven)
    note({ n }: NumberGiven): void {
      received.push(n);
    }
  }
  return Member;
}

/** What an agent's registry tells from now on: `joined b`. */
function watch(agent: INestApplicationContext): string[] {
  const told: string[] = [];
  const { events } = agent.get(AgentRegistry);
  events.pipe(map((event) => `${event.kind} ${event.agent.id}`)).subscribe((text) => told.push(text));
  return told;
}

const healthSeenBy = (agent: INestApplicationContext, id: string): string | undefined =>
  agent.get(AgentRegistry).find({ id, health: 'any' })[0]?.health;

const becomes = (agents: readonly INestApplicationContext[], id: string, health: string): Promise<unknown> =>
  until(`${id} to be ${health}`, () => agents.every((agent) => healthSeenBy(agent, id) === health), WAIT_MS);

const proxyToBroker = (): Promise<TcpProxy> => TcpProxy.before(testBus.sharedUrl());
const proxyToDatabase = (): Promise<TcpProxy> => TcpProxy.before(databaseUrl());

function sever(...proxies: readonly TcpProxy[]): void {
  for (const proxy of proxies) {
    proxy.refuse();
    proxy.cut();
  }
}

describe('the registry', () => {
  const system = new TestSystem({ ...REGISTRY, REGISTRY_HEARTBEAT_INTERVAL: '60', REGISTRY_AGENT_TIMEOUT: '240' });
  const received: number[] = [];
  let one: INestApplicationContext;
  let other: INestApplicationContext;
  let told: string[];

  beforeAll(async () => {
    one = await system.start({ id: 'one', controllers: [member()] });
    other = await system.start({ id: 'other', controllers: [member(received)] });
    await until('one to know other', () => healthSeenBy(one, 'other') === 'healthy', WAIT_MS);
    told = watch(one);
  });
  afterAll(() => system.close());

  it('tells at once who joins, and who leaves', async () => {
    const guest = await system.start({ id: 'guest', controllers: [member()] });
    await until('the guest to be known', () => told.length > 0, WAIT_MS);
    expect(one.get(AgentRegistry).find({ id: 'guest' })).toMatchObject([
      { role: 'member', capabilities: ['noting'], incarnation: 1, health: 'healthy', stopped: false },
    ]);
    expect(healthSeenBy(guest, 'one')).toBe('healthy');
    await guest.close();
    await becomes([one], 'guest', 'stopped');
    expect(told).toEqual(['joined guest', 'left guest']);
  });

  it('tells at once what an agent can do from now on, and no longer', async () => {
    const able = (agent: INestApplicationContext) =>
      agent
        .get(AgentRegistry)
        .find({ capability: 'sing*' })
        .map(({ id }) => id);
    const registry = other.get(AgentRegistry);
    await registry.addCapability('singing');
    expect(able(other)).toEqual(['other']);
    await until('it to be known', () => able(one).length === 1, WAIT_MS);
    const late = await system.start({ id: 'late', controllers: [member()] });
    expect(able(late)).toEqual(['other']);
    await registry.removeCapability('singing');
    expect(able(other)).toEqual([]);
    await until('it to be known', () => able(one).length + able(late).length === 0, WAIT_MS);
    await expect(registry.addCapability('')).rejects.toThrow(InvalidMessageError);
    await registry.heartbeat();
    expect(one.get(AgentRegistry).find({ id: 'other' })[0]?.capabilities).toEqual(['noting']);
    await late.close();
    await becomes([one], 'late', 'stopped');
  });

  it('tells which agents carry out tasks of a type, and has the type as a capability of theirs', async () => {
    @Agent({ role: 'doer' })
    class Doer {
      @HandleTask(NumberGiven)
      do(): void {}
    }
    const doer = await system.start({ id: 'doer', controllers: [Doer] });
    await becomes([one], 'doer', 'healthy');
    const idsOf = (query: AgentQuery) =>
      one
        .get(AgentRegistry)
        .find(query)
        .map(({ id }) => id);
    const given = { type: 'number_given', version: 1 };
    expect(idsOf({ handles: given }).sort()).toEqual(['doer', 'one', 'other']);
    expect(idsOf({ handles: { ...given, task: true } })).toEqual(['doer']);
    expect(idsOf({ handles: { ...given, version: 2, task: true } })).toEqual([]);
    expect(idsOf({ capability: 'number_given' })).toEqual(['doer']);
    await doer.close();
    await becomes([one], 'doer', 'stopped');
  });

  it('goes on, whatever its observers do', async () => {
    const { events } = one.get(AgentRegistry);
    const fails = (): never => {
      throw new Error('of the observer');
    };
    events.subscribe(fails);
    events.subscribe({ next: fails });
    events.pipe(map(fails)).subscribe();
    events.pipe(map((event) => event.kind)).subscribe(fails);
    const after = watch(one);
    for (const id of ['guest-1', 'guest-2']) {
      const guest = await system.start({ id, controllers: [member()] });
      await becomes([one], id, 'healthy');
      await guest.close();
      await becomes([one], id, 'stopped');
    }
    expect(after).toEqual(['joined guest-1', 'left guest-1', 'joined guest-2', 'left guest-2']);
  });

  it('an agent that is started again speaks for its id, and the earlier instance no longer does', async () => {
    const [early, late]: [number[], number[]] = [[], []];
    const first = await system.start({ id: 'twin', controllers: [member(early)] });
    await becomes([one], 'twin', 'healthy');
    const [before] = one.get(AgentRegistry).find({ id: 'twin' });
    const second = await system.start({ id: 'twin', controllers: [member(late)] });
    const current = () => one.get(AgentRegistry).find({ id: 'twin' });
    await until('the new instance', () => current()[0]?.incarnation === 2, WAIT_MS);
    expect(told.filter((text) => text.endsWith('twin'))).toEqual(['joined twin', 'left twin', 'joined twin']);
    const known = current();
    const stored = (await system.store.agents.read()).agents;

    if (!before) throw new Error('the first instance was not known');
    const { id, role, instance, version, incarnation } = before;
    const saying = first.get(AgentClient);
    const registeredAt = before.registeredAt.toISOString();
    const old = { id, role, instance, version, incarnation, registeredAt, capabilities: ['lying'] };
    await saying.broadcast(AgentRegistered, old);
    await saying.broadcast(AgentUpdated, { id, instance, sequence: 99, capabilities: ['lying'] });
    await saying.broadcast(AgentDeregistered, { id, instance });
    await saying.broadcast(NumberGiven, { n: 0 });
    await until('all that to have arrived', () => received.includes(0), WAIT_MS);
    expect(await first.get(AgentRegistry).heartbeat()).toBe(false);
    await first.get(AgentRegistry).deregister();
    await saying.broadcast(NumberGiven, { n: 1 });
    await until('that to have arrived', () => received.includes(1), WAIT_MS);
    expect(current()).toEqual(known);
    expect(healthSeenBy(other, 'twin')).toBe('healthy');
    expect((await system.store.agents.read()).agents).toEqual(stored);
    expect(told.filter((text) => text.endsWith('twin'))).toHaveLength(3);
    await second.close();
    await first.close();
  });

  it('believes what is on record, whatever is announced of an agent, or of agents that are not there', async () => {
    const saying = one.get(AgentClient);
    const registries = [one, other].map((agent) => agent.get(AgentRegistry));
    const seen = () =>
      registries.map((registry) =>
        registry.find({ health: 'any' }).map(({ id, instance, capabilities, registeredAt, health }) => ({
          id,
          instance,
          capabilities,
          registeredAt,
          health,
        })),
      );
    for (const registry of registries) await registry.heartbeat();
    const before = seen();
    const after = watch(one);
    const [victim] = one.get(AgentRegistry).find({ id: 'other' });
    if (!victim) throw new Error('it is not known');
    const { id, role, version, instance } = victim;
    const ghost = { id, role, version, instance: 'ghost', incarnation: 1_000, capabilities: [] };
    const late = { ...ghost, registeredAt: '2999-01-01T00:00:00Z' };
    const reads = jest.spyOn(system.store.agents, 'read');
    const begun = performance.now();
    await saying.broadcast(AgentRegistered, late);
    await saying.broadcast(AgentUpdated, { id, instance, sequence: 1_000_000, capabilities: [], circuits: [] });
    await saying.broadcast(AgentDeregistered, { id, instance });
    for (let n = 0; n < 300; n++) await saying.broadcast(AgentRegistered, { ...late, id: `ghost-${n}` });
    received.length = 0;
    await saying.broadcast(NumberGiven, { n: 5 });
    await until('all that to have arrived', () => received.includes(5), WAIT_MS);
    await until('the record to have been read', () => reads.mock.calls.length >= registries.length, WAIT_MS);
    await Promise.all(reads.mock.results.map(({ value }) => value as Promise<unknown>));
    expect(seen()).toEqual(before);
    expect(after).toEqual([]);
    const seconds = (performance.now() - begun) / 1_000;
    expect(reads.mock.calls.length).toBeLessThan(registries.length * (2 + 10 * seconds));
    reads.mockRestore();
  });

  it('an agent that was forgotten registers again', async () => {
    const before = watch(one);
    await system.store.database.query(`DELETE FROM "${system.namespace}".agents WHERE id = 'other'`);
    expect(await other.get(AgentRegistry).heartbeat()).toBe(true);
    expect(healthSeenBy(other, 'other')).toBe('healthy');
    await until('it to be known', () => before.includes('joined other'), WAIT_MS);
    expect((await system.store.agents.read()).agents.map(({ id }) => id)).toContain('other');
  });
});

describe('an agent that was replaced', () => {
  const system = new TestSystem(REGISTRY);
  afterAll(() => system.close());

  const refusesToSend = (agent: INestApplicationContext): Promise<unknown> =>
    until(
      'it to refuse',
      () =>
        agent
          .get(AgentClient)
          .send({ role: 'member' }, NumberGiven, { n: 0 })
          .then(
            () => false,
            (error: unknown) => error instanceof BusStoppedError,
          ),
      WAIT_MS,
    );

  it('stops receiving and sending', async () => {
    const [early, late]: [number[], number[]] = [[], []];
    const first = await system.start({ id: 'twin', controllers: [member(early)] });
    const second = await system.start({ id: 'twin', controllers: [member(late)] });
    await until('the first to notice', () => !first.get(AgentServer).isReady, WAIT_MS);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    for (const n of numbers) await second.get(AgentClient).send({ agent: 'twin' }, NumberGiven, { n });
    await until('all of them', () => early.length + late.length >= numbers.length, WAIT_MS);
    expect(early).toEqual([]);
    expect([...late].sort((a, b) => a - b)).toEqual(numbers);
    await refusesToSend(first);
  });

  it('does so too when it can’t give back its work, and no longer notes whether it is drained', async () => {
    const first = await system.start({ id: 'double', controllers: [member()] });
    const close = jest.fn(() => Promise.reject(new Error('planned')));
    first.get(AgentServer).addIntake({ open: () => Promise.resolve(), close });
    const looks = jest.spyOn(first.get(MessageBus), 'isIdle', 'get').mockReturnValue(false);
    await system.store.pauses.put({ target: 'agent.double', drain: true, by: 'ann', reason: 'a test' });
    await first.get(AgentPauses).read();
    await until('it to look whether it has nothing left', () => looks.mock.calls.length > 0, WAIT_MS);

    const second = await system.start({ id: 'double', controllers: [member()] });
    await until('the first to notice', () => !first.get(AgentServer).isReady, WAIT_MS);
    const [count, beats] = [looks.mock.calls.length, jest.spyOn(second.get(AgentRegistry), 'heartbeat')];
    await refusesToSend(first);
    expect(close).toHaveBeenCalledTimes(1);
    // An interval is longer than the time from one look to the next.
    await until('two heartbeats of the second', () => beats.mock.calls.length === 2, WAIT_MS);
    expect(looks).toHaveBeenCalledTimes(count);
  });
});

describe('an agent that the others lose', () => {
  const system = new TestSystem(REGISTRY);
  const proxies: TcpProxy[] = [];
  afterAll(async () => {
    for (const proxy of proxies) await proxy.accept();
    await system.close();
    for (const proxy of proxies) await proxy.close();
  });

  it('is suspect, then dead, and recovered when it is back; so is one that is cut off from the broker alone', async () => {
    const [lostBroker, lostDatabase, mutedBroker] = await Promise.all([
      proxyToBroker(),
      proxyToDatabase(),
      proxyToBroker(),
    ]);
    proxies.push(lostBroker, lostDatabase, mutedBroker);
    const observers = [
      await system.start({ id: 'one', controllers: [member()] }),
      await system.start({ id: 'two', controllers: [member()] }),
    ];
    const lost = await system.start({
      id: 'lost',
      controllers: [member()],
      urls: [lostBroker.through(testBus.sharedUrl())],
      databaseUrl: lostDatabase.through(databaseUrl()),
    });
    const muted = await system.start({
      id: 'muted',
      controllers: [member()],
      urls: [mutedBroker.through(testBus.sharedUrl())],
    });
    for (const id of ['lost', 'muted']) await becomes(observers, id, 'healthy');
    const told = observers.map(watch);
    const toldByMuted = watch(muted);
    sever(lostBroker, lostDatabase, mutedBroker);
    for (const id of ['lost', 'muted']) await becomes(observers, id, 'dead');
    // It reaches Postgres, where it reads of the others, and is in no position to judge.
    expect(muted.get(AgentRegistry).isClear).toBe(false);
    expect(healthSeenBy(muted, 'lost')).toBe('healthy');
    expect(healthSeenBy(muted, 'one')).toBe('healthy');
    for (const proxy of proxies) await proxy.accept();
    for (const id of ['lost', 'muted']) await becomes([...observers, lost, muted], id, 'healthy');
    for (const events of told)
      for (const id of ['lost', 'muted'])
        expect(events.filter((text) => text.endsWith(` ${id}`))).toEqual([
          `suspect ${id}`,
          `dead ${id}`,
          `recovered ${id}`,
        ]);
    expect(told.flat().filter((text) => !/ (lost|muted)$/.test(text))).toEqual([]);
    expect(toldByMuted).toEqual([]);
  }, 60_000);
});

describe('an outage for three time-outs', () => {
  const systems: TestSystem[] = [];
  const proxies: TcpProxy[] = [];
  afterAll(async () => {
    for (const proxy of proxies) await proxy.accept();
    for (const system of systems) await system.close();
    for (const proxy of proxies) await proxy.close();
  });

  /** Who was given up, by whom, when all agents were without a server, and one of them did not come back. */
  async function outage(server: 'broker' | 'database'): Promise<string[]> {
    const system = new TestSystem(REGISTRY);
    systems.push(system);
    const proxy = server === 'broker' ? await proxyToBroker() : await proxyToDatabase();
    const [leftBroker, leftDatabase] = await Promise.all([proxyToBroker(), proxyToDatabase()]);
    proxies.push(proxy, leftBroker, leftDatabase);
    const servers =
      server === 'broker'
        ? { urls: [proxy.through(testBus.sharedUrl())] }
        : { databaseUrl: proxy.through(databaseUrl()) };
    const others: INestApplicationContext[] = [];
    for (const id of ['a', 'b', 'c']) others.push(await system.start({ id, controllers: [member()], ...servers }));
    const own = { urls: [leftBroker.through(testBus.sharedUrl())], databaseUrl: leftDatabase.through(databaseUrl()) };
    await system.start({ id: 'left', controllers: [member()], ...own });
    const isWhole = (registry: AgentRegistry): boolean => registry.isClear && registry.find().length === 4;
    await until('all to be clear and known', () => others.every((agent) => isWhole(agent.get(AgentRegistry))), WAIT_MS);
    const told = others.map(watch);
    const end = performance.now() + 3 * TIMEOUT_MS;
    sever(proxy, leftBroker, leftDatabase);
    await until('three time-outs', () => performance.now() > end, 4 * TIMEOUT_MS);
    expect(others.every((agent) => !agent.get(AgentRegistry).isClear)).toBe(true);
    expect(told.flat()).toEqual([]);
    for (const agent of others) expect(agent.get(AgentRegistry).find()).toHaveLength(4);
    await proxy.accept();
    await becomes(others, 'left', 'dead');
    return told.map((events) => events.join(', '));
  }

  it('of the broker, and one of the database: nobody is given up who comes back', async () => {
    const outcomes = await Promise.all([outage('broker'), outage('database')]);
    expect(outcomes.flat()).toEqual(Array.from({ length: 6 }, () => 'suspect left, dead left'));
  }, 60_000);
});

describe('an agent whose id was made up for one start', () => {
  const system = new TestSystem({ ...REGISTRY, MESSAGE_BUS_TYPE: 'in_memory' });
  afterAll(() => system.close());

  it('is ended when it has been silent for long, by any agent that is heard itself', async () => {
    await system.start({ id: 'a', controllers: [member()] });
    const { store } = system;
    const killed = { id: 'killed', role: 'member', capabilities: [], instance: 'i', version: '1', concurrency: 1 };
    await store.agents.register({ ...killed, ephemeral: true });
    await store.subscriptions.subscribe('agent.killed', ['news'], true);
    await store.database.query(
      `UPDATE "${store.database.schema}".agents SET heartbeat_at = heartbeat_at - interval '2 minutes' WHERE id = 'killed'`,
    );
    await until('its end', async () => !(await store.agents.read()).agents.some(({ id }) => id === 'killed'), WAIT_MS);
    expect(await store.subscriptions.topics('agent.killed')).toEqual({ topics: [], dropped: [], undeclared: [] });
  });

  it('is owed again what it subscribed to when it is back after all', async () => {
    const { store } = system;
    const back = await system.start({ id: 'back', controllers: [member()] });
    await store.database.query(
      `UPDATE "${store.database.schema}".agents SET heartbeat_at = heartbeat_at - interval '2 minutes' WHERE id = 'back'`,
    );
    expect(await store.agents.end(60_000)).toEqual(['back']);
    await until('it is back', async () => (await store.agents.read()).agents.some(({ id }) => id === 'back'), WAIT_MS);
    const subscribed = await store.database.query<{ pattern: string }>(
      `SELECT pattern FROM "${store.database.schema}".subscriptions WHERE consumer = 'agent.back'`,
    );
    expect(subscribed).toEqual([{ pattern: '' }]);
    expect(back.get(AgentServer).isReady).toBe(true);
  });
});
