import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DuplicateStrategyError, UnknownStrategyError } from './errors.js';
import { loadOf } from './load.js';
import { PowerOfTwo } from './power-of-two.js';
import { Strategies } from './strategies.js';
import type { Candidate, Strategy, Work } from './strategy.js';

type Candidates = [Candidate, ...Candidate[]];

const strategies = new Strategies();

const agent = (id: string, given: Partial<Candidate> = {}): Candidate => ({
  id,
  instance: `${id}-1`,
  role: 'worker',
  capabilities: ['work'],
  load: 0,
  concurrency: 64,
  inFlight: 0,
  ...given,
});
const agents = (count: number): Candidates =>
  Array.from({ length: count }, (_, n) => agent(`agent-${n}`)) as Candidates;

const anyAgent: fc.Arbitrary<Candidate> = fc.record({
  id: fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), minLength: 1, maxLength: 3 }),
  instance: fc.uuid(),
  role: fc.constantFrom('worker', 'specialist'),
  capabilities: fc.uniqueArray(fc.constantFrom('work', 'work_hard', 'play', 'sing', 'dance')),
  load: fc.constantFrom(0, 0.25, 0.5, 1),
  concurrency: fc.constantFrom(1, 2, 8, 64),
  inFlight: fc.nat(8),
});
const anyAgents = fc.uniqueArray(anyAgent, {
  selector: ({ id }) => id,
  minLength: 1,
  maxLength: 8,
}) as fc.Arbitrary<Candidates>;
const anyWork: fc.Arbitrary<Work> = fc.record(
  { capability: fc.constantFrom('work', 'work*', 'fly'), key: fc.string() },
  { requiredKeys: [] },
);

describe.each(strategies.names)('%s', (name) => {
  it('chooses one of the candidates, whoever was there before, and changes none', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyAgents, anyWork), { minLength: 1, maxLength: 20 }), (rounds) => {
        const strategy = strategies.create(name);
        for (const [candidates, work] of rounds) {
          const before = structuredClone(candidates);
          expect(candidates).toContain(strategy.choose(candidates, work));
          expect(candidates).toEqual(before);
        }
      }),
    );
  });
});

/** How often each was chosen. */
const counts = (chosen: readonly string[], ids: readonly string[]): number[] =>
  ids.map((id) => chosen.filter((other) => other === id).length);

const spread = (numbers: readonly number[]): number => Math.max(...numbers) - Math.min(...numbers);

describe('round-robin', () => {
  it('keeps those that stay within one of each other, whoever comes and goes', () => {
    const subsets = fc.array(fc.subarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        subsets,
        fc.subarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 }),
        fc.nat(40),
        (past, ids, rounds) => {
          const strategy = strategies.create('round-robin');
          const choose = (of: readonly string[]) => strategy.choose(of.map((id) => agent(id)) as Candidates, {}).id;
          for (const others of past) choose(others);
          const chosen = Array.from({ length: rounds }, () => choose(ids));
          expect(spread(counts(chosen, ids))).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('keeps two that are always there within one of each other', () => {
    const guests = fc.array(fc.subarray(['c', 'd', 'e']), { maxLength: 60 });
    fc.assert(
      fc.property(guests, (rounds) => {
        const strategy = strategies.create('round-robin');
        const chosen = rounds.map(
          (ids) => strategy.choose(['a', 'b', ...ids].map((id) => agent(id)) as Candidates, {}).id,
        );
        expect(spread(counts(chosen, ['a', 'b']))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('stays fair among more than it remembers', () => {
    const strategy = strategies.create('round-robin');
    const many = agents(2_500);
    const chosen = Array.from({ length: 5_000 }, () => strategy.choose(many, {}).id);
    expect(new Set(chosen.slice(0, 2_500)).size).toBe(2_500);
    expect(new Set(chosen.slice(2_500)).size).toBe(2_500);
  });
});

describe('least-loaded', () => {
  it('chooses nobody who has more to do than another', () => {
    fc.assert(
      fc.property(anyAgents, anyWork, (candidates, work) => {
        const chosen = strategies.create('least-loaded').choose(candidates, work);
        expect(loadOf(chosen)).toBe(Math.min(...candidates.map(loadOf)));
      }),
    );
  });

  it.each<[string, Candidate, Candidate]>([
    ['fewer in flight', agent('b', { inFlight: 1 }), agent('a', { inFlight: 2 })],
    ['the smaller share in flight', agent('b', { inFlight: 4 }), agent('a', { inFlight: 1, concurrency: 2 })],
    ['less load by the registry', agent('b', { load: 0.1 }), agent('a', { load: 0.2 })],
    ['room where another is full', agent('b', { inFlight: 8 }), agent('a', { load: 1 })],
    ['what is known now, over what was heard', agent('b', { load: 0.5 }), agent('a', { inFlight: 32 })],
  ])('prefers %s', (_, better, worse) => {
    expect(strategies.create('least-loaded').choose([worse, better], {})).toBe(better);
  });

  it('takes turns among equals', () => {
    const strategy = strategies.create('least-loaded');
    const chosen = Array.from({ length: 9 }, () => strategy.choose(agents(3), {}).id);
    expect(counts(chosen, ['agent-0', 'agent-1', 'agent-2'])).toEqual([3, 3, 3]);
  });
});

describe('power-of-two', () => {
  it('never chooses who has more to do than all others', () => {
    fc.assert(
      fc.property(
        anyAgents,
        fc.array(fc.double({ min: 0, max: 0.999999, noNaN: true }), { minLength: 2 }),
        (all, drawn) => {
          const loads = all.map(loadOf).sort((a, b) => b - a);
          fc.pre(all.length > 1 && loads[0] !== loads[1]);
          let draws = 0;
          const strategy: Strategy = new PowerOfTwo(() => drawn[draws++ % drawn.length] as number);
          expect(loadOf(strategy.choose(all, {}))).toBeLessThan(loads[0] as number);
        },
      ),
    );
  });

  it('chooses everybody else now and then', () => {
    const candidates = agents(5).map((each, n) => ({ ...each, inFlight: n })) as Candidates;
    const strategy = strategies.create('power-of-two');
    const chosen = Array.from({ length: 2_000 }, () => strategy.choose(candidates, {}).inFlight);
    expect(new Set(chosen)).toEqual(new Set([0, 1, 2, 3]));
  });
});

describe('consistent-hash', () => {
  const strategy = strategies.create('consistent-hash');
  const keys = Array.from({ length: 4_000 }, (_, n) => `order-${n}`);
  const ownerOf = (candidates: readonly Candidate[]) => (key: string) =>
    strategy.choose(candidates as Candidates, { key }).id;

  it('gives a key to the same agent, in any order and whatever the loads are', () => {
    fc.assert(
      fc.property(anyAgents, fc.string(), fc.array(fc.nat(8)), (candidates, key, loads) => {
        const others = candidates.map((each, n) => ({ ...each, inFlight: loads[n] ?? 0 })).reverse();
        const another = strategies.create('consistent-hash');
        expect(another.choose(others as Candidates, { key }).id).toBe(ownerOf(candidates)(key));
      }),
    );
  });

  it('moves only the keys of one that leaves, and to one that joins', () => {
    fc.assert(
      fc.property(anyAgents, fc.nat(), fc.array(fc.string()), (candidates, at, someKeys) => {
        fc.pre(candidates.length > 1);
        const leaver = candidates[at % candidates.length] as Candidate;
        const rest = candidates.filter((each) => each !== leaver);
        for (const key of someKeys) {
          const [whole, without] = [ownerOf(candidates)(key), ownerOf(rest)(key)];
          if (whole !== leaver.id) expect(without).toBe(whole);
        }
      }),
    );
  });

  it.each([2, 5, 10])('spreads keys over %i agents, none with a fifth more or less than its share', (count) => {
    const owners = keys.map(ownerOf(agents(count)));
    const share = keys.length / count;
    for (const owned of counts(
      owners,
      agents(count).map(({ id }) => id),
    )) {
      expect(Math.abs(owned - share)).toBeLessThan(share / 5);
    }
  });

  it('goes by load without a key', () => {
    const busy = agent('a', { inFlight: 3 });
    expect(strategy.choose([busy, agent('b')], {}).id).toBe('b');
  });
});

describe('capability', () => {
  it('chooses nobody who can do more other things than another', () => {
    fc.assert(
      fc.property(anyAgents, (candidates) => {
        const able = candidates.filter(({ capabilities }) => capabilities.includes('work'));
        const chosen = strategies.create('capability').choose(candidates, { capability: 'work' });
        if (able.length === 0) return;
        expect(able).toContain(chosen);
        expect(chosen.capabilities.length).toBe(Math.min(...able.map(({ capabilities }) => capabilities.length)));
      }),
    );
  });

  it('chooses the least loaded of those that are as specialised', () => {
    const generalist = agent('a', { capabilities: ['work', 'play'] });
    const [busy, idle] = [agent('b', { inFlight: 2 }), agent('c', { inFlight: 1 })];
    expect(strategies.create('capability').choose([generalist, busy, idle], { capability: 'wor*' })).toBe(idle);
  });
});

describe('Strategies', () => {
  it('has those of an app, each destination with one of its own', () => {
    const own = new Strategies();
    own.add('first', () => ({ choose: ([first]) => first }));
    expect(own.names).toEqual([...strategies.names, 'first']);
    expect(own.create('first').choose(agents(3), {}).id).toBe('agent-0');
    expect(own.create('first')).not.toBe(own.create('first'));
  });

  it('refuses a name that is unknown, or there already', () => {
    expect(() => strategies.create('luck')).toThrow(UnknownStrategyError);
    expect(() => strategies.create('luck')).toThrow('"luck" is not one of round-robin, least-loaded');
    expect(() => strategies.add('capability', () => strategies.create('round-robin'))).toThrow(DuplicateStrategyError);
  });
});
