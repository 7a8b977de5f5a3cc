import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConsistentHash } from '../../distribution/balancing/consistent-hash.js';
import type { Candidate } from '../../distribution/balancing/strategy.js';
import { type LaneLoad, placeOf, type QueuedTask } from '../store/queued-task.js';
import { plan, type Situation } from './plan.js';

const DESTINATIONS = ['role.reader', 'role.writer', 'capability.resize'];
const VERSIONS = [1, 2];
const PLACES = DESTINATIONS.flatMap((destination) =>
  VERSIONS.map((version) => ({ destination, type: 'page', version })),
);
/** Each feeds the next. */
const LANES = ['p/a', 'p/b', 'p/c'];

const agent = (id: string, concurrency: number): Candidate => ({
  id,
  instance: `${id}-1`,
  role: 'reader',
  capabilities: [],
  load: 0,
  concurrency,
  inFlight: 0,
});
const task = (id: string, given: Partial<QueuedTask> = {}): QueuedTask => ({
  id,
  destination: 'role.reader',
  type: 'page',
  version: 1,
  strategy: 'least-loaded',
  affinity: null,
  tried: [],
  lane: '',
  feeds: null,
  isPart: false,
  ...given,
});
const room = ({ concurrency }: Candidate): number => 2 * concurrency;

interface LaneTerms {
  readonly limit: number | null;
  /** How many may wait in it. */
  readonly buffer: number | null;
}
const stage = (lane: number) => ({ lane: LANES[lane] as string, feeds: LANES[lane + 1] ?? null });
const limits = (lane: number, all: readonly LaneTerms[]) => ({
  limit: all[lane]?.limit ?? null,
  feedsLimit: all[lane + 1]?.buffer ?? null,
});
const anyLimit = fc.option(fc.integer({ min: 1, max: 4 }), { nil: null });
const anyLanes = fc.array(fc.record({ limit: anyLimit, buffer: anyLimit }), { minLength: 3, maxLength: 3 });

/** Anything that may be on record, however it got there. */
const anySituation = fc
  .record({
    agents: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 5 }),
    able: fc.array(fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), { minLength: 6, maxLength: 6 }),
    held: fc.array(fc.nat(7), { minLength: 5, maxLength: 5 }),
    lanes: anyLanes,
    counts: fc.array(fc.record({ assigned: fc.nat(4), queued: fc.nat(4) }), { minLength: 3, maxLength: 3 }),
    tasks: fc.array(
      fc.record({
        place: fc.constantFrom(...PLACES),
        lane: fc.option(fc.nat(2), { nil: undefined }),
        affinity: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: null, freq: 3 }),
        tried: fc.subarray(['a0', 'a1', 'a2', 'a3', 'a4']),
      }),
      { maxLength: 30 },
    ),
    choices: fc.infiniteStream(fc.nat()),
  })
  .map(({ agents, able, held, lanes, counts, tasks, choices }) => {
    const all = agents.map((concurrency, n) => agent(`a${n}`, concurrency));
    const queued = tasks.map(({ lane, place, ...each }, n) =>
      task(`t${n}`, { ...place, ...each, ...(lane === undefined ? {} : stage(lane)) }),
    );
    const hash = new ConsistentHash();
    return {
      queued,
      held: new Map(all.map(({ id }, n) => [id, held[n] ?? 0])),
      able: (of) => all.filter((_, n) => able[PLACES.findIndex((place) => placeOf(place) === placeOf(of))]?.[n]),
      // what is listed waits, and others may that are not due
      lanes: new Map<string, LaneLoad>(
        LANES.map((lane, n) => [
          lane,
          {
            ...limits(n, lanes),
            assigned: counts[n]?.assigned ?? 0,
            queued: (counts[n]?.queued ?? 0) + queued.filter((each) => each.lane === lane).length,
          },
        ]),
      ),
      room,
      choose: (_, candidates, work) =>
        work.key === undefined
          ? (candidates[choices.next().value % candidates.length] as Candidate)
          : hash.choose(candidates, work),
    } satisfies Situation;
  });

describe('the plan of which agent gets what', () => {
  it('keeps to the room of agents and the limits of lanes, avoids agents that have failed, and gives nothing ahead while another could begin', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const planned = plan(situation).assignments;
        const given = new Set(planned.map((each) => each.task.id));
        expect(given.size).toBe(planned.length);
        const held = new Map(situation.held);
        const lanes = new Map([...situation.lanes].map(([lane, count]) => [lane, { ...count }]));
        const hash = new ConsistentHash();
        for (const each of planned) {
          const { id } = each.agent;
          const { tried, affinity, lane, feeds } = each.task;
          const able = situation.able(each.task);
          expect(able.map((other) => other.id)).toContain(id);
          held.set(id, (held.get(id) ?? 0) + 1);
          expect(held.get(id)).toBeLessThanOrEqual(room(each.agent));
          if (tried.includes(id)) expect(able.filter((other) => !tried.includes(other.id))).toEqual([]);
          const isIdle = (one: Candidate) => (held.get(one.id) ?? 0) < one.concurrency;
          if (affinity === null && (held.get(id) ?? 0) > each.agent.concurrency)
            expect(candidatesOf(situation, each.task).filter(isIdle)).toEqual([]);
          if (affinity !== null) expect(id).toBe(hash.choose(candidatesOf(situation, each.task), { key: affinity }).id);
          const count = lanes.get(lane);
          if (!count) continue;
          count.assigned++;
          count.queued--;
          if (count.limit !== null) expect(count.assigned).toBeLessThanOrEqual(count.limit);
          if (feeds !== null && count.feedsLimit !== null)
            expect(count.assigned + (lanes.get(feeds)?.queued ?? 0)).toBeLessThanOrEqual(count.feedsLimit);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves nothing that an agent could be given', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const planned = plan(situation).assignments;
        const given = new Set(planned.map((each) => each.task.id));
        const givenIn = (lane: string) => planned.filter((each) => each.task.lane === lane).length;
        const assignedIn = (lane: string) => (situation.lanes.get(lane)?.assigned ?? 0) + givenIn(lane);
        const hasRoom = (one: Candidate) =>
          (situation.held.get(one.id) ?? 0) + planned.filter((each) => each.agent.id === one.id).length < room(one);
        const hash = new ConsistentHash();
        for (const each of situation.queued.filter(({ id }) => !given.has(id))) {
          const { affinity, lane, feeds } = each;
          const { limit = null, feedsLimit = null } = situation.lanes.get(lane) ?? {};
          const candidates = candidatesOf(situation, each);
          const could =
            affinity === null
              ? candidates.some(hasRoom)
              : candidates.length > 0 && hasRoom(hash.choose(candidates, { key: affinity }));
          const isFull = limit !== null && assignedIn(lane) >= limit;
          const isHeldUp =
            feeds !== null &&
            feedsLimit !== null &&
            (situation.lanes.get(feeds)?.queued ?? 0) - givenIn(feeds) + assignedIn(lane) >= feedsLimit;
          expect({ id: each.id, could: could && !isFull && !isHeldUp }).toEqual({ id: each.id, could: false });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes every run through all lanes, with never more waiting than there may', () => {
    const anyFlow = fc.record({
      lanes: anyLanes,
      runs: fc.integer({ min: 1, max: 15 }),
      agents: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 3 }),
      moves: fc.infiniteStream(fc.nat()),
    });
    fc.assert(
      fc.property(anyFlow, ({ lanes, runs, agents, moves }) => {
        const all = agents.map((concurrency, n) => agent(`a${n}`, concurrency));
        /** Where each run is: in which lane, and with whom. */
        const places: { lane: number; by: string | null }[] = Array.from({ length: runs }, () => ({
          lane: 0,
          by: null,
        }));
        const countIn = (lane: number): LaneLoad => ({
          ...limits(lane, lanes),
          queued: places.filter((place) => place.lane === lane && place.by === null).length,
          assigned: places.filter((place) => place.lane === lane && place.by !== null).length,
        });
        const held = () => new Map(all.map(({ id }) => [id, places.filter(({ by }) => by === id).length]));
        while (places.some(({ lane }) => lane < LANES.length)) {
          const { assignments: planned } = plan({
            queued: places.flatMap(({ lane, by }, n) =>
              lane < LANES.length && by === null ? [task(`${n}`, stage(lane))] : [],
            ),
            able: () => all,
            held: held(),
            lanes: new Map(LANES.map((name, lane) => [name, countIn(lane)])),
            room,
            choose: (_, candidates) => candidates[moves.next().value % candidates.length] as Candidate,
          });
          for (const each of planned) (places[Number(each.task.id)] as { by: string | null }).by = each.agent.id;
          const underWay = places.filter(({ by }) => by !== null);
          // somebody always has something to do
          expect(underWay).not.toEqual([]);
          for (const [lane, { limit, buffer }] of lanes.entries()) {
            expect(countIn(lane).assigned).toBeLessThanOrEqual(limit ?? runs);
            if (lane > 0) expect(countIn(lane).queued).toBeLessThanOrEqual(buffer ?? runs);
          }
          const done = underWay[moves.next().value % underWay.length] as { lane: number; by: string | null };
          done.lane++;
          done.by = null;
        }
      }),
    );
  });

  it('begins the next before more is waiting for it', () => {
    const lanes = new Map(
      LANES.map((name, lane) => [name, { assigned: 0, queued: 1, limit: 1, feedsLimit: LANES[lane + 1] ? 1 : null }]),
    );
    const one: Omit<Situation, 'queued'> = {
      able: () => [agent('a0', 10)],
      held: new Map(),
      lanes,
      room,
      choose: (_, [candidate]) => candidate,
    };
    const queued = [task('x', stage(0)), task('y', stage(1)), task('z', stage(2))];
    const { assignments } = plan({ ...one, queued });
    expect(assignments.map((each) => each.task.id)).toEqual(['z', 'y', 'x']);
    expect(plan({ ...one, queued: queued.slice(0, 1) }).assignments).toEqual([]);
  });

  it('tells where no agent has room, not where only the agent of a key has none', () => {
    const held = new Map([['a0', 2]]);
    const [mine, other] = ['k', 'l'].map((affinity) => task(affinity, { affinity }));
    const situation: Situation = {
      queued: [mine as QueuedTask, other as QueuedTask, task('gone', { destination: 'role.gone' })],
      able: ({ destination }) => (destination === 'role.gone' ? [] : [agent('a0', 1), agent('a1', 1)]),
      held,
      lanes: new Map(),
      room,
      choose: (_, candidates, { key }) => candidates[key === 'k' ? 0 : 1] ?? candidates[0],
    };
    const { assignments, full } = plan(situation);
    expect(assignments.map((each) => each.task.id)).toEqual(['l']);
    expect([...full]).toEqual(['role.gone page 1']);
  });
});

/** Those that have not failed at it, if there are any; they may have no room. */
function candidatesOf({ able }: Situation, { tried, ...task }: QueuedTask): [Candidate, ...Candidate[]] {
  const all = able(task);
  const untried = all.filter(({ id }) => !tried.includes(id));
  return (untried.length > 0 ? untried : all) as unknown as [Candidate, ...Candidate[]];
}
