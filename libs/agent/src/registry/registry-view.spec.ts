import { describe, expect, it } from '@jest/globals';
import type { AgentRecord, AgentSnapshot } from 'agentmq/message-store';
import * as fc from 'fast-check';
import { type RegistryEvent, RegistryView } from './registry-view.js';
import { registryTimes } from './times.js';

const times = registryTimes({ heartbeatInterval: 1_000, agentTimeout: 4_000 });
const FORGET_MS = 10 * times.deadAfter;

/** The table of agents. */
class World {
  private readonly rows = new Map<string, AgentRecord>();
  private now = Date.UTC(2026, 0, 1);
  private started = 0;

  pass(ms: number): void {
    this.now += ms;
  }

  register(id: string): void {
    const at = new Date(this.now);
    const record: AgentRecord = {
      id,
      role: 'worker',
      capabilities: [],
      handles: [],
      instance: `${id}-${++this.started}`,
      incarnation: (this.rows.get(id)?.incarnation ?? 0) + 1,
      sequence: 0,
      load: 0,
      inFlight: 0,
      concurrency: 64,
      circuits: [],
      version: '1',
      stopped: false,
      registeredAt: at,
      heartbeatAt: at,
    };
    this.rows.set(id, record);
  }

  beat(id: string): void {
    const row = this.rows.get(id);
    if (!row || row.stopped) return;
    const sequence = row.sequence + 1;
    const record = { ...row, sequence, capabilities: [`c-${sequence}`], heartbeatAt: new Date(this.now) };
    this.rows.set(id, record);
  }

  stop(id: string): void {
    const row = this.rows.get(id);
    if (!row) return;
    this.rows.set(id, { ...row, stopped: true });
  }

  forget(): void {
    for (const [id, { heartbeatAt }] of this.rows)
      if (this.now - heartbeatAt.getTime() > FORGET_MS) this.rows.delete(id);
  }

  snapshot(ids?: readonly string[]): AgentSnapshot {
    return { now: new Date(this.now), agents: [...this.rows.values()].filter(({ id }) => ids?.includes(id) ?? true) };
  }
}

type Step = (world: World, view: RegistryView) => RegistryEvent[];

const ids = fc.constantFrom('a', 'b');
const does =
  (change: (world: World) => void): Step =>
  (world) => {
    change(world);
    return [];
  };

/** Agents come, go, fall silent and are forgotten; the reader reads all of them now and then, and some in between. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: ids.map((id) => does((world) => world.register(id))) },
  { weight: 3, arbitrary: ids.map((id) => does((world) => world.beat(id))) },
  { weight: 1, arbitrary: ids.map((id) => does((world) => world.stop(id))) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5_000 }).map((ms) => does((world) => world.pass(ms))) },
  { weight: 1, arbitrary: fc.constant(does((world) => (world.pass(FORGET_MS), world.forget()))) },
  {
    weight: 4,
    arbitrary: fc.boolean().map(
      (clear): Step =>
        (world, view) =>
          view.read(world.snapshot(), clear),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.integer({ min: 1_000, max: 5_000 }).map((ms): Step => (world, view) => {
      world.pass(ms);
      return view.read(world.snapshot(), true);
    }),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.boolean(), fc.subarray(['a', 'b', 'nobody'])).map(
      ([clear, some]): Step =>
        (world, view) =>
          view.read(world.snapshot(some), clear, some),
    ),
  },
);

/** What may follow, for one instance. */
const FOLLOWS: Readonly<Record<RegistryEvent['kind'] | 'nothing', readonly RegistryEvent['kind'][]>> = {
  nothing: ['joined'],
  joined: ['suspect', 'left'],
  suspect: ['dead', 'recovered', 'left'],
  dead: ['recovered', 'left'],
  recovered: ['suspect', 'left'],
  left: [],
};

describe('the view of the registry', () => {
  it('tells of each instance in order, and the events add up to what it shows', () => {
    const count: Record<string, number> = {};
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const world = new World();
        const view = new RegistryView(times);
        const last = new Map<string, RegistryEvent>();
        for (const take of steps) {
          for (const event of take(world, view)) {
            const { instance, health } = event.agent;
            const before = last.get(instance);
            // Seen first after a long silence: suspect without a word.
            const state = before?.kind === 'joined' && before.agent.health === 'suspect' ? 'suspect' : before?.kind;
            expect(FOLLOWS[state ?? 'nothing']).toContain(event.kind);
            expect(health === 'stopped').toBe(event.kind === 'left');
            last.set(instance, event);
            count[event.kind] = (count[event.kind] ?? 0) + 1;
          }
          const present = [...view.agents].filter(({ health }) => health !== 'stopped');
          const told = [...last.values()].filter(({ kind }) => kind !== 'left').map(({ agent }) => agent);
          const byInstance = (agents: { instance: string; health: string }[]) =>
            agents.map(({ instance, health }) => `${instance} ${health}`).sort();
          expect(byInstance(present)).toEqual(byInstance(told));
        }
      }),
      { numRuns: 150 },
    );
    for (const kind of ['joined', 'left', 'suspect', 'dead', 'recovered']) expect(count[kind]).toBeGreaterThan(10);
  });

  it('after a reading it shows what is on record', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const world = new World();
        const view = new RegistryView(times);
        for (const take of steps) take(world, view);
        world.pass(2 * times.deadAfter);
        const snapshot = world.snapshot();
        view.read(snapshot, true);
        const shown = [...view.agents].map(({ health: _, ...agent }) => agent);
        const sorted = (agents: readonly AgentRecord[]) => [...agents].sort((a, b) => (a.id < b.id ? -1 : 1));
        expect(sorted(shown)).toEqual(sorted(snapshot.agents));
      }),
      { numRuns: 300 },
    );
  });
});
