import type { Candidate, Work } from '../../balancing/strategy.js';

/** A task that is to be given to somebody. */
export interface QueuedTask {
  readonly id: string;
  readonly destination: string;
  readonly strategy: string;
  readonly affinity: string | null;
  /** Agents that have failed at it, or died over it. */
  readonly tried: readonly string[];
  /** The stage of a pipeline that it is; '' for none. */
  readonly lane: string;
  /** The next stage's lane. */
  readonly feeds: string | null;
  /** Whether another waits for it. */
  readonly isPart: boolean;
  /** The size of its payload. */
  readonly bytes: number;
}

/** How many tasks of a lane are with agents, and how many wait. */
export interface LaneLoad {
  readonly assigned: number;
  readonly queued: number;
  /** The most that may be with agents. */
  readonly limit: number | null;
  /** The most that may wait in the lane that it feeds. */
  readonly feedsLimit: number | null;
}

export interface Situation {
  /** In the order in which they are to be assigned. */
  readonly queued: readonly QueuedTask[];
  /** Agents that could do what goes to a destination; `inFlight` is left to the plan. */
  readonly able: (destination: string) => readonly Candidate[];
  /** How many tasks each agent has, by its id. */
  readonly held: ReadonlyMap<string, number>;
  readonly lanes: ReadonlyMap<string, LaneLoad>;
  /** The most tasks that an agent is given, those that it carries out included. */
  readonly room: (agent: Candidate) => number;
  /** The strategy's choice; of one destination and strategy it is always the same strategy that chooses. */
  readonly choose: (
    task: Pick<QueuedTask, 'destination' | 'strategy'>,
    candidates: readonly [Candidate, ...Candidate[]],
    work: Work,
  ) => Candidate;
}

export interface PlannedAssignment {
  readonly task: QueuedTask;
  readonly agent: Candidate;
}

export interface Plan {
  readonly assignments: readonly PlannedAssignment[];
  /** Destinations where nobody has room for more. */
  readonly full: ReadonlySet<string>;
}

/**
 * Who gets what. No agent gets more than there is room for, so that what waits is still there for those who come or get done
 * sooner; no lane more than its limit, and none while as many wait in the next lane, counting what will get there. What an
 * agent has failed at goes to others, if there are any. A task with an affinity waits for its agent.
 */
export function plan({ queued, able, held, lanes, room, choose }: Situation): Plan {
  const given = new Map(held);
  const givenIn = new Map<string, number>();
  const full = new Set<string>();
  const assignments: PlannedAssignment[] = [];
  const assignedIn = (lane: string) => (lanes.get(lane)?.assigned ?? 0) + (givenIn.get(lane) ?? 0);
  const waitingIn = (lane: string) => (lanes.get(lane)?.queued ?? 0) - (givenIn.get(lane) ?? 0);
  const isHeldUp = ({ lane, feeds }: QueuedTask) =>
    feeds !== null && waitingIn(feeds) + assignedIn(lane) >= (lanes.get(lane)?.feedsLimit ?? Infinity);

  const give = (task: QueuedTask): void => {
    const { destination, lane, affinity } = task;
    if (full.has(destination)) return;
    if (assignedIn(lane) >= (lanes.get(lane)?.limit ?? Infinity)) return;
    const all = able(destination).map((agent) => ({ ...agent, inFlight: given.get(agent.id) ?? 0 }));
    const hasRoom = (agent: Candidate) => agent.inFlight < room(agent);
    if (!all.some(hasRoom)) {
      full.add(destination);
      return;
    }
    const untried = all.filter(({ id }) => !task.tried.includes(id));
    const candidates = untried.length > 0 ? untried : all;
    const [first, ...rest] = affinity === null ? candidates.filter(hasRoom) : candidates;
    if (!first) return;
    const work = { ...workOf(destination), ...(affinity === null ? {} : { key: affinity }) };
    const agent = choose(task, [first, ...rest], work);
    if (!hasRoom(agent)) return;
    assignments.push({ task, agent });
    given.set(agent.id, agent.inFlight + 1);
    if (lane !== '') givenIn.set(lane, (givenIn.get(lane) ?? 0) + 1);
  };

  // what is given of a lane leaves room there for the lane before it
  let left = queued;
  for (let before = -1; before < assignments.length && left.length > 0;) {
    before = assignments.length;
    const heldUp: QueuedTask[] = [];
    for (const task of left) {
      if (isHeldUp(task)) heldUp.push(task);
      else give(task);
    }
    left = heldUp;
  }
  return { assignments, full };
}

const workOf = (destination: string): Work =>
  destination.startsWith('capability.') ? { capability: destination.slice('capability.'.length) } : {};
