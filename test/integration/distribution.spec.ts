import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Agent, AgentIdentity, AgentRegistry, Handle } from 'agentmq/agent';
import { NoRecipientError, RequestTimeoutError } from 'agentmq/broker';
import { AgentMQError, Contract, ContractViolationError, RemoteError } from 'agentmq/protocol';
import {
  AgentLostError,
  CircuitBreakers,
  CircuitOpenError,
  Distribution,
  DistributionModule,
  NoAbleAgentError,
  NoRouteError,
  Router,
  Strategies,
  UnknownStrategyError,
} from 'agentmq/coordination';
import { IsInt, IsString } from 'class-validator';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'quote_request' })
class QuoteRequest {
  @IsInt()
  n!: number;
}

@Contract({ type: 'quote' })
class Quote {
  @IsString()
  by!: string;
}

class Busy extends AgentMQError {
  readonly code = 'BUSY';
  override readonly retryable = true;
}

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

type Behaviour = () => Promise<void>;
const works: Behaviour = () => Promise.resolve();
const isBusy: Behaviour = () => Promise.reject(new Busy('not now'));
const refuses: Behaviour = () => Promise.reject(new Refused('not this'));

const quoting = { capability: 'quoting' };
const clerks = ['clerk-1', 'clerk-2', 'clerk-3'];

describe.each(['in_memory', testBus.name])('distribution (%s)', (busType) => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: busType,
    RABBITMQ_QUEUE_TYPE: 'classic',
    SHUTDOWN_TIMEOUT: '1',
    REGISTRY_HEARTBEAT_INTERVAL: '1',
    ROUTING_RULES: 'hard_*=expert,clerk; gone=agent:nobody-1',
    CIRCUIT_MINIMUM_VOLUME: '20',
    CIRCUIT_OPEN_TIME: '600',
  });
  /** Of those that do not simply work. */
  const behaviours = new Map<string, Behaviour>();
  const asked: string[] = [];
  const hung: { readonly end: () => void }[] = [];
  let boss: INestApplicationContext;
  let distribution: Distribution;

  const hangs: Behaviour = () => new Promise((resolve) => hung.push({ end: resolve }));

  @Injectable()
  class Quoting {
    constructor(private readonly identity: AgentIdentity) {}

    @Handle(QuoteRequest)
    async quote(): Promise<Quote> {
      const by = this.identity.id;
      asked.push(by);
      await (behaviours.get(by) ?? works)();
      return { by };
    }
  }

  @Agent({ role: 'clerk', capabilities: ['quoting'], concurrency: 8 })
  class Clerk extends Quoting {}

  @Agent({ role: 'expert', capabilities: ['pondering', 'quoting_fast'] })
  class Expert extends Quoting {}

  @Agent({ role: 'flake', capabilities: ['flaking'] })
  class Flake extends Quoting {}

  @Agent({ role: 'boss' })
  class Boss {}

  const ask = async (
    to: Parameters<Distribution['request']>[0],
    options: Parameters<Distribution['request']>[3] = {},
  ): Promise<string> => {
    const quote = await distribution.request(to, QuoteRequest, { n: 1 }, { patience: 100, ...options, answer: Quote });
    return quote.by;
  };
  const several = (count: number, options: Parameters<typeof ask>[1] = {}) =>
    Promise.all(Array.from({ length: count }, () => ask(quoting, options)));
  const timesOf = (answers: readonly string[], id: string) => answers.filter((other) => other === id).length;

  const release = () => hung.splice(0).forEach(({ end }) => end());
  /** What the agents had to do in the test before is forgotten. */
  const idle = () =>
    until('idle clerks', () =>
      boss
        .get(AgentRegistry)
        .find({ role: 'clerk' })
        .every(({ load }) => load === 0),
    );

  beforeAll(async () => {
    await Promise.all([
      ...clerks.map((id) => system.start({ id, controllers: [Clerk] })),
      system.start({ id: 'expert-1', controllers: [Expert] }),
      ...['flake-1', 'flake-2'].map((id) => system.start({ id, controllers: [Flake] })),
    ]);
    boss = await system.start({ id: 'boss-1', controllers: [Boss], imports: [DistributionModule] });
    distribution = boss.get(Distribution);
  });
  beforeEach(() => {
    release();
    behaviours.clear();
    asked.length = 0;
  });
  afterAll(async () => {
    release();
    await system.close();
  });

  it.each(['round-robin', 'least-loaded'])(
    '%s: each able agent gets its share of what is asked at once',
    async (strategy) => {
      await idle();
      const answers = await several(12, { strategy });
      expect(clerks.map((id) => timesOf(answers, id))).toEqual([4, 4, 4]);
    },
  );

  it('least-loaded: who has not answered yet gets less', async () => {
    await idle();
    behaviours.set('clerk-1', hangs);
    const answers: string[] = [];
    const slow = [1, 2, 3].map(async () => answers.push(await ask(quoting)));
    await until('one that hangs', () => hung.length === 1 && answers.length === 2);
    for (let n = 0; n < 6; n++) expect(await ask(quoting)).not.toBe('clerk-1');
    release();
    await Promise.all(slow);
    expect(answers.sort()).toEqual(clerks);
  });

  it('consistent-hash: the same key to the same agent', async () => {
    for (const key of ['a', 'b', 'c', 'd']) {
      const answers = await several(4, { strategy: 'consistent-hash', key });
      expect(new Set(answers).size).toBe(1);
    }
  });

  it('goes by a strategy of the app', async () => {
    boss.get(Strategies).add('last', () => ({
      choose: (all, { capability }) => all.reduce((a, b) => (capability === 'quoting' && b.id > a.id ? b : a)),
    }));
    expect(await several(3, { strategy: 'last' })).toEqual(['clerk-3', 'clerk-3', 'clerk-3']);
  });

  it('asks another agent when one fails for a reason that may pass, and no more than it is told to', async () => {
    behaviours.set('clerk-1', isBusy).set('clerk-2', isBusy);
    expect(await ask(quoting, { strategy: 'round-robin', attempts: 3 })).toBe('clerk-3');
    behaviours.set('clerk-3', isBusy);
    asked.length = 0;
    const error = await ask(quoting).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: 'BUSY' });
    expect(new Set(asked).size).toBe(2);
    asked.length = 0;
    await expect(ask(quoting, { attempts: 1 })).rejects.toMatchObject({ code: 'BUSY' });
    expect(asked).toHaveLength(1);
    asked.length = 0;
    await expect(ask(quoting, { attempts: 9 })).rejects.toMatchObject({ code: 'BUSY' });
    expect([...asked].sort()).toEqual(clerks);
  });

  it('asks nobody else for what was refused for good, or can not be asked', async () => {
    for (const id of clerks) behaviours.set(id, refuses);
    await expect(ask(quoting)).rejects.toMatchObject({ code: 'REFUSED' });
    expect(asked).toHaveLength(1);
    await expect(distribution.request(quoting, QuoteRequest, { n: 0.5 })).rejects.toThrow(ContractViolationError);
    await expect(ask(quoting, { strategy: 'luck' })).rejects.toThrow(UnknownStrategyError);
    await expect(ask(quoting, { attempts: 0 })).rejects.toMatchObject({
      code: 'INVALID_DISTRIBUTION',
      field: 'attempts',
    });
    await expect(ask(quoting, { timeout: -1 })).rejects.toMatchObject({
      code: 'INVALID_DISTRIBUTION',
      field: 'timeout',
    });
    expect(asked).toHaveLength(1);
  });

  it('asks the backup last', async () => {
    for (const id of clerks) behaviours.set(id, isBusy);
    expect(await ask(quoting, { backup: { role: 'expert' } })).toBe('expert-1');
    expect(asked).toHaveLength(3);
    expect(await ask({ capability: 'flying' }, { backup: { agent: 'expert-1' } })).toBe('expert-1');
  });

  it('asks another when one takes too long, while there is time', async () => {
    behaviours.set('clerk-1', hangs);
    const first = { strategy: 'first' };
    boss.get(Strategies).add('first', () => ({ choose: (all) => all.reduce((a, b) => (b.id < a.id ? b : a)) }));
    expect(await ask(quoting, { ...first, attemptTimeout: 200 })).toBe('clerk-2');
    await expect(ask(quoting, { ...first, timeout: 200 })).rejects.toThrow(RequestTimeoutError);
  });

  it("ends with the caller's signal, and asks nobody else", async () => {
    for (const id of clerks) behaviours.set(id, hangs);
    const stop = new AbortController();
    const answer = ask(quoting, { signal: stop.signal });
    await until('one that hangs', () => hung.length === 1);
    stop.abort(new Refused('stopped'));
    await expect(answer).rejects.toThrow('stopped');
    expect(asked).toHaveLength(1);
  });

  it('goes elsewhere when the agent that was asked has died', async () => {
    const [fragile, id] = [{ role: 'flake' }, 'flake-3'];
    const short = await system.start({ id, controllers: [Flake] });
    const { instance } = short.get(AgentIdentity);
    behaviours.set(id, hangs);
    const registry = boss.get(AgentRegistry);
    await until('the third one', () => registry.find({ id }).length === 1);
    const answers = Promise.all([1, 2, 3].map(() => ask(fragile)));
    const alone = ask({ agent: id }).catch((error: unknown) => error);
    await until('two that hang', () => hung.length === 2);
    // as its process would have it that is killed just after it was told to stop
    await system.store.agents.deregister({ id, instance });
    expect((await answers).every((by) => by === 'flake-1' || by === 'flake-2')).toBe(true);
    expect(await alone).toBeInstanceOf(AgentLostError);
  });

  it('goes elsewhere when the agent is not there though the registry has it', async () => {
    const ghost = { id: 'a-ghost', role: 'clerk', capabilities: ['haunting'], instance: 'ghost-1', version: '0' };
    await system.store.agents.register({ ...ghost, concurrency: 64 });
    await until('the ghost', () => boss.get(AgentRegistry).find({ id: 'a-ghost' }).length === 1);
    expect(clerks).toContain(await ask({ role: 'clerk' }, { strategy: 'round-robin' }));
    await expect(ask({ capability: 'haunting' })).rejects.toThrow(NoRecipientError);
    await system.store.agents.deregister(ghost);
    await until('its end', () => boss.get(AgentRegistry).find({ id: 'a-ghost' }).length === 0);
  });

  it('passes over agents whose circuit is open, and says when nobody else is left', async () => {
    const flaking = { capability: 'flaking' };
    const breakers = boss.get(CircuitBreakers);
    const open = async (id: string) => {
      behaviours.set(id, isBusy);
      await until(`open circuit of ${id}`, async () => {
        await Promise.allSettled(Array.from({ length: 20 }, () => ask({ agent: id })));
        return breakers.isOpen(id);
      });
      behaviours.delete(id);
    };
    await open('flake-1');
    expect(await Promise.all([1, 2, 3, 4].map(() => ask(flaking)))).toEqual(Array(4).fill('flake-2'));
    await open('flake-2');
    asked.length = 0;
    await expect(ask(flaking)).rejects.toThrow(CircuitOpenError);
    expect(asked).toEqual([]);
    expect(await ask(flaking, { backup: { role: 'expert' } })).toBe('expert-1');
  });

  it('routes by the rules of the settings, with fallbacks when the target fails', async () => {
    expect(await ask({ capability: 'hard_sums' })).toBe('expert-1');
    behaviours.set('expert-1', isBusy);
    expect(clerks).toContain(await ask({ capability: 'hard_sums' }));
  });

  it('routes by rules that come and go', async () => {
    const router = boss.get(Router);
    const rule = router.addRule('quot*', 'agent:nobody-2', { fallbacks: ['capability:pond*'] });
    expect(await ask(quoting)).toBe('expert-1');
    const higher = router.addRule('*', 'agent:clerk-2', { priority: 1 });
    expect(await ask(quoting)).toBe('clerk-2');
    expect(await distribution.findAble(quoting)).toMatchObject({ id: 'clerk-2' });
    router.removeRule(higher);
    expect(await ask(quoting)).toBe('expert-1');
    router.removeRule(rule);
    expect(clerks).toContain(await ask(quoting));
  });

  it.each([{}, { role: undefined }, { role: 'clerk', agent: 'clerk-1' }, { name: 'clerk' }, undefined])(
    'refuses %j for a destination, which would stand for anybody',
    async (to) => {
      await expect(ask(to as never)).rejects.toMatchObject({ code: 'INVALID_DISTRIBUTION', field: 'to' });
    },
  );

  it('says what nobody can do, and what has no route', async () => {
    const unable = [{ capability: 'gone' }, { role: 'pilot' }, { agent: 'nobody-1' }];
    for (const to of unable) await expect(ask(to)).rejects.toThrow(NoAbleAgentError);
    await expect(ask({ capability: 'gone' })).rejects.toThrow('no healthy agent can do gone');
    const unrouted = ask({ capability: 'flying' });
    await expect(unrouted).rejects.toThrow(NoRouteError);
    await expect(unrouted).rejects.toMatchObject({ capability: 'flying', retryable: true });
    await expect(distribution.findAble({ capability: 'flying' }, { timeout: 50 })).rejects.toThrow(NoRouteError);
  });

  it('waits for an able agent to appear', async () => {
    const answer = distribution.request({ capability: 'arriving' }, QuoteRequest, { n: 1 });
    const found = distribution.findAble({ capability: 'arriving' }, { except: new Set(['nobody']) });
    @Agent({ role: 'arrival', capabilities: ['arriving'] })
    class Arrival extends Clerk {}
    await system.start({ id: 'arrival-1', controllers: [Arrival] });
    expect(await answer).toEqual({ by: 'arrival-1' });
    expect(await found).toMatchObject({ id: 'arrival-1', role: 'arrival' });
    const [{ instance } = { instance: '' }] = boss.get(AgentRegistry).find({ id: 'arrival-1' });
    const looking = distribution.findAble({ capability: 'arriving' }, { except: new Set([instance]), timeout: 50 });
    await expect(looking).rejects.toThrow(NoAbleAgentError);
  });
});
