import { cause, takeDown } from './faults.js';
import { Violation } from './invariants.js';
import type { Member } from './member.js';
import { ELECTION_TIMEOUT, LASTING, type Schedule, SETTLED_WITHIN, TROUBLE } from './schedule.js';
import { World } from './world.js';

/** What came of one schedule. */
export interface Outcome {
  readonly events: number;
  readonly elections: number;
  readonly maxTerm: number;
  readonly writes: number;
  readonly refused: number;
  /** How long after healing the lasting leader was followed by all, in ms; 0 if it was already. */
  readonly settledAfter: number;
}

/**
 * Runs the schedule: trouble, healing, and then until one leader has lasted. Says to `trace`, line by line, what happened.
 * Throws `Violation` when an invariant is broken.
 */
export function simulate(schedule: Schedule, trace?: string[]): Outcome {
  const world = new World(schedule, trace);
  const { timeline, trouble, agreement } = world;
  for (const member of world.members) {
    timeline.after(timeline.random() * (ELECTION_TIMEOUT / 2), () => world.start(member));
  }
  const able = schedule.family === 'returning' ? chooseReturning(world) : world.members;
  const set = able.reduce((all, { bit }) => all | bit, 0);

  trouble.whom = set;
  for (const fault of schedule.faults) timeline.after(fault.at, () => cause(world, fault, set));
  const healedAt = timeline.now + TROUBLE;
  timeline.at(healedAt, () => {
    world.log(() => 'all is healed');
    trouble.whom = 0;
    for (const member of minority(able, world).slice(0, schedule.dead)) takeDown(world, member);
  });
  timeline.run(() => timeline.now >= healedAt);

  settle(world, healedAt, LASTING);
  return {
    events: timeline.events,
    elections: world.elections,
    maxTerm: world.database.term,
    writes: world.writes,
    refused: world.refused,
    settledAfter: Math.max(0, (agreement.since ?? timeline.now) - healedAt),
  };
}

/** Has the group find a leader, which is to stay from now on, and says which of the others will be troubled. */
function chooseReturning(world: World): readonly Member[] {
  settle(world, 0, 2 * ELECTION_TIMEOUT);
  const leader = world.members.find(({ machine }) => machine?.role === 'leader');
  world.invariants.healthyLeader = leader;
  return minority(
    world.members.filter((member) => member !== leader),
    world,
  );
}

/** Until all have agreed for so long. Throws `Violation` when they still don't, long after `since`. */
function settle({ timeline, agreement, members }: World, since: number, lasting: number): void {
  timeline.run(() => {
    const { now } = timeline;
    if (now > since + SETTLED_WITHIN + lasting) {
      const states = members.map(({ id, machine }) => `${id} ${machine?.role ?? 'down'} in ${machine?.term ?? '-'}`);
      throw new Violation('settled', states.join(', '));
    }
    return agreement.since !== undefined && now - Math.max(since, agreement.since) >= lasting;
  });
}

/** The most of these that are less than half of all members. */
function minority(of: readonly Member[], { members }: World): readonly Member[] {
  return of.slice(0, Math.floor((members.length - 1) / 2));
}
