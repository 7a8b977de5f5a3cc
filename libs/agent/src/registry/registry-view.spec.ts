import { describe, expect, it } from '@jest/globals';
import type { AgentRecord, AgentSnapshot, ChangedAgents } from 'agentmq/message-store';
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
  private changes = 0;
  private readonly changedAt = new Map<string, number>();

  pass(ms: number): void {
    this.now += ms;
  }

  register(id: string): void {
    const at = new Date(this.now);
    const record: AgentRecord = {
      id,
      role: 'worker',
      roles: ['worker'],
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
      paused: false,
      stopped: false,
      registeredAt: at,
      heartbeatAt: at,
    };
    this.write(record);
  }

  beat(id: string): void {
    const row = this.rows.get(id);
    if (!row || row.stopped) return;
    const sequence = row.sequence + 1;
    const isChange = sequence % 3 === 0;
    const capabilities = isChange ? [`c-${sequence}`] : row.capabilities;
    this.write({ ...row, sequence, capabilities, heartbeatAt: new Date(this.now) }, isChange);
  }

  stop(id: string): void {
    const row = this.rows.get(id);
    if (!row) return;
    this.write({ ...row, stopped: true });
  }

  forget(): void {
    for (const [id, { heartbeatAt }] of this.rows)
      if (this.now - heartbeatAt.getTime() > FORGET_MS) this.rows.delete(id);
  }

  snapshot(ids?: readonly string[], changed?: ChangedAgents): AgentSnapshot {
    const isAsked = ({ id, stopped, heartbeatAt }: AgentRecord): boolean =>
      !ids ||
      ids.includes(id) ||
      (changed !== undefined &&
        ((this.changedAt.get(id) ?? 0) > Number(changed.since) ||
          (!stopped && this.now - heartbeatAt.getTime() >= changed.silentMs)));
    return {
      now: new Date(this.now),
      position: String(this.changes),
      agents: [...this.rows.values()].filter(isAsked),
    };
  }

  private write(record: AgentRecord, isChange = true): void {
    this.rows.set(record.id, record);
    if (isChange) this.changedAt.set(record.id, ++this.changes);
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

/** Agents come, go, fall silent and are forgotten. */
const change: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: ids.map((id) => does((world) => world.register(id))) },
  { weight: 3, arbitrary: ids.map((id) => does((world) => world.beat(id))) },
  { weight: 1, arbitrary: ids.map((id) => does((world) => world.stop(id))) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5_000 }).map((ms) => does((world) => world.pass(ms))) },
  { weight: 1, arbitrary: fc.constant(does((world) => (world.pass(FORGET_MS), world.forget()))) },
);

/** The reader reads all of them now and then, and some in between. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: change },
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

  it('reading what has changed tells the same as reading all', () => {
    let read = 0;
    let all = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(change, fc.boolean()), { maxLength: 80, size: 'max' }), (steps) => {
        const world = new World();
        const [view, complete] = [new RegistryView(times), new RegistryView(times)];
        let [since, last] = ['0', 0];
        for (const [take, clear] of steps) {
          take(world, view);
          const snapshot = world.snapshot();
          // after a pause so long that rows are deleted meanwhile, a reader reads all
          const ids = snapshot.now.getTime() - last < FORGET_MS ? view.doubted : undefined;
          const changed = world.snapshot(ids, { since, silentMs: times.suspectAfter });
          since = changed.position;
          last = changed.now.getTime();
          read += changed.agents.length;
          all += snapshot.agents.length;
          const told = (events: readonly RegistryEvent[]) =>
            events.map(({ kind, agent }) => `${kind} ${agent.instance} ${agent.health}`).sort();
          expect(told(view.read(changed, clear, ids))).toEqual(told(complete.read(snapshot, clear)));
          const shown = ({ agents }: RegistryView) =>
            [...agents]
              .filter(({ health }) => health !== 'stopped')
              .map(({ instance, health, capabilities }) => ({ instance, health, capabilities }))
              .sort((a, b) => (a.instance < b.instance ? -1 : 1));
          expect(shown(view)).toEqual(shown(complete));
        }
      }),
      { numRuns: 300 },
    );
    expect(read).toBeLessThan(all * 0.7);
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
