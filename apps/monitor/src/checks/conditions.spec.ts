import { expect, it } from '@jest/globals';
import type { AgentClient, RegisteredAgent, Transaction } from 'agentmq';
import type { Database } from 'agentmq/database';
import * as fc from 'fast-check';
import { ConditionStore, MOST_CHANGES } from './condition-store.js';
import { answersProbes, changesBetween, type ConditionChange, findingsOf, type ToldCondition } from './conditions.js';
import { type ProbeOutcome, ProbeRecord } from './probe-record.js';

const BEHIND_MS = 25_000;
const ROUND_MS = 10_000;
const AGENTS = ['a', 'b'];
const handles = [{ type: 'agent_probe', version: 1 }];
/** Of a version that has no probe. */
const findable: RegisteredAgent = {
  ...{ id: 'c', role: 'r', roles: ['r'], capabilities: [], instance: 'c-1', incarnation: 1, sequence: 1, version: '1' },
  ...{
    load: 0,
    inFlight: 0,
    concurrency: 1,
    circuits: [],
    handles: [],
    health: 'healthy',
    paused: false,
    stopped: false,
  },
  ...{ registeredAt: new Date(0), heartbeatAt: new Date(0) },
};

/** How one agent is in truth. */
interface Truth {
  /** Counts its starts; `undefined` health: it has stopped. */
  instance: number;
  health: 'healthy' | 'suspect' | 'dead' | undefined;
  /** `busy`: its places are taken and freed, but the probe has its turn too late. `old`: of a version that has no probe. */
  mode: 'answers' | 'silent' | 'hangs' | 'busy' | 'old';
  since: number;
  circuit: boolean;
  stuck: boolean;
}

/** Agents, a database with what was told, and monitors one after the other. */
class World {
  readonly truths = new Map<string, Truth>();
  readonly told = new Map<string, ToldCondition>();
  readonly changes: ConditionChange[] = [];
  private probes = new Map<string, ProbeRecord>();
  private now = 0;

  constructor() {
    for (const id of AGENTS)
      this.truths.set(id, {
        ...{ instance: 1, health: 'healthy', mode: 'answers', since: 0 },
        ...{ circuit: false, stuck: false },
      });
  }

  change(id: string, change: Partial<Truth>): void {
    const truth = this.truths.get(id) as Truth;
    Object.assign(truth, change, { since: this.now });
  }

  restart(id: string): void {
    const { instance } = this.truths.get(id) as Truth;
    this.change(id, { instance: instance + 1, health: 'healthy', mode: 'answers', circuit: false });
  }

  newLeader(): void {
    this.probes = new Map();
  }

  interrupted(): void {
    for (const record of this.probes.values()) record.interrupted();
  }

  /** `isCommitted`: whether what is told gets into the database. */
  round(isCommitted = true): void {
    this.now += ROUND_MS;
    const agents = [...this.truths].flatMap(([id, truth]) => this.recordOf(id, truth) ?? []);
    const probed = agents.filter((agent) => agent.health !== 'dead' && answersProbes(agent));
    this.probes = new Map(
      probed.map(({ instance }) => [instance, this.probes.get(instance) ?? new ProbeRecord(BEHIND_MS)]),
    );
    for (const { id, instance } of probed) this.probes.get(instance)?.note(this.probe(id), this.now);
    const stuck = [...this.truths].flatMap(([sender, truth]) =>
      truth.stuck ? [{ sender, entries: 1, since: new Date(0) }] : [],
    );
    const found = findingsOf({ agents, probes: this.probes, stuck });
    if (!isCommitted) return;
    for (const change of changesBetween([...this.told.values()], found)) this.tell(change);
  }

  /** What should be told of an agent in the end. */
  expected(id: string): string[] {
    const { health, mode, circuit, stuck } = this.truths.get(id) as Truth;
    if (health === undefined) return [];
    if (health === 'dead') return ['dead'];
    return [
      ...(circuit ? ['circuit_open'] : []),
      ...(mode === 'busy' ? ['falls_behind'] : []),
      ...(mode === 'silent' || mode === 'hangs' ? ['not_answering'] : []),
      ...(stuck ? ['outbox_stuck'] : []),
      ...(health === 'suspect' ? ['suspect'] : []),
    ];
  }

  private tell(change: ConditionChange): void {
    this.changes.push(change);
    if (change.to === 'recovered') this.told.delete(change.agent);
    else this.told.set(change.agent, { ...change, since: new Date(0) });
  }

  private recordOf(id: string, { instance, health, mode }: Truth): RegisteredAgent | undefined {
    if (health === undefined) return undefined;
    const other = AGENTS.find((each) => each !== id && this.truths.get(each)?.circuit);
    return {
      ...findable,
      ...{ id, health, instance: `${id}-${instance}`, incarnation: instance, handles: mode === 'old' ? [] : handles },
      circuits: other === undefined ? [] : [{ agent: other, state: 'half_open', since: '' }],
    };
  }

  private probe(id: string): ProbeOutcome {
    const { mode, since } = this.truths.get(id) as Truth;
    if (mode === 'answers') return { kind: 'answered', latencyMs: 5 };
    const stalled = { hangs: { stalledMs: this.now - since }, busy: { stalledMs: 0 }, silent: {}, old: {} }[mode];
    return { kind: 'late', waitedMs: ROUND_MS, ...stalled };
  }
}

type Step = (world: World) => void;
const agent = fc.constantFrom(...AGENTS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.boolean().map(
      (isCommitted): Step =>
        (world) =>
          world.round(isCommitted),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.newLeader()) },
  fc.constant<Step>((world) => world.interrupted()),
  agent.map(
    (id): Step =>
      (world) =>
        world.restart(id),
  ),
  fc.tuple(agent, fc.constantFrom<Truth['mode']>('answers', 'silent', 'hangs', 'busy', 'old')).map(
    ([id, mode]): Step =>
      (world) =>
        world.change(id, { mode }),
  ),
  fc.tuple(agent, fc.constantFrom<Truth['health']>('healthy', 'suspect', 'dead', undefined)).map(
    ([id, health]): Step =>
      (world) =>
        world.change(id, { health }),
  ),
  fc.tuple(agent, fc.boolean()).map(
    ([id, circuit]): Step =>
      (world) =>
        world.change(id, { circuit }),
  ),
  fc.tuple(agent, fc.boolean()).map(
    ([id, stuck]): Step =>
      (world) =>
        world.change(id, { stuck }),
  ),
);

it('each change is told once, whichever monitor leads, and in the end what was told is the truth', () => {
  const count: Record<string, number> = {};
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const world = new World();
      for (const take of steps) take(world);
      for (let n = 0; n < 5; n++) world.round();
      for (const id of AGENTS) {
        let last = '';
        for (const change of world.changes.filter((each) => each.agent === id)) {
          expect([...change.before].sort().join(' ')).toBe(last);
          const now = change.to === 'unhealthy' ? change.reasons.join(' ') : '';
          expect(now).not.toBe(last);
          last = now;
          const what = now === '' ? `recovered ${(change as { outcome: string }).outcome}` : now;
          for (const each of what.split(' ')) count[each] = (count[each] ?? 0) + 1;
        }
        // A circuit is reported by the other agent, while that is live.
        const [reporter = ''] = AGENTS.filter((each) => each !== id);
        const { health } = world.truths.get(reporter) as Truth;
        const isReported = health === 'healthy' || health === 'suspect';
        const expected = world.expected(id).filter((reason) => reason !== 'circuit_open' || isReported);
        expect(last).toBe(expected.join(' '));
      }
    }),
    { numRuns: 300 },
  );
  const told = ['dead', 'suspect', 'not_answering', 'falls_behind', 'circuit_open', 'outbox_stuck', 'healthy', 'left'];
  for (const what of told) expect([what, (count[what] ?? 0) > 10]).toEqual([what, true]);
});

it('a new leader says nothing of what hangs on, and says that it has recovered once it answers', () => {
  const world = new World();
  world.change('a', { mode: 'silent' });
  for (let n = 0; n < 3; n++) world.round();
  world.newLeader();
  for (let n = 0; n < 3; n++) world.round();
  expect(world.changes.map(({ to }) => to)).toEqual(['unhealthy']);
  world.newLeader();
  world.change('a', { mode: 'answers' });
  world.round();
  expect(world.changes.map(({ to }) => to)).toEqual(['unhealthy', 'recovered']);
});

it('an agent that has not been probed yet is neither well nor unhealthy by that', () => {
  const joined = { ...findable, handles };
  expect(findingsOf({ agents: [joined, findable], probes: new Map(), stuck: [] })).toMatchObject([
    { known: false, reasons: new Map() },
    { known: true, reasons: new Map() },
  ]);
});

it('tells a fleet that dies at once bit by bit', async () => {
  const told: ToldCondition[] = [];
  const agents = Array.from({ length: MOST_CHANGES + 1 }, (_, index) => ({
    ...findable,
    ...{ id: `a-${index}`, health: 'dead' as const },
  }));
  const transaction = {
    query: (sql: string, [agent, role, instance, reasons, detail]: unknown[] = []) => {
      if (sql.startsWith('SELECT')) return Promise.resolve([...told]);
      told.push({ agent, role, instance, reasons, detail, since: new Date(0) } as ToldCondition);
      return Promise.resolve([{ since: new Date(0) }]);
    },
  } as unknown as Transaction;
  const broadcasts: unknown[] = [];
  const client = { broadcast: (_: unknown, payload: object) => Promise.resolve(broadcasts.push(payload)) };
  const store = new ConditionStore({ schema: 's' } as Database, client as unknown as AgentClient);
  const found = findingsOf({ agents, probes: new Map(), stuck: [] });
  const changes = [await store.tell(found, transaction), await store.tell(found, transaction)];
  expect(changes.map(({ length }) => length)).toEqual([MOST_CHANGES, 1]);
  expect(broadcasts).toHaveLength(agents.length);
});
