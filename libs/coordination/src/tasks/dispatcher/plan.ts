import type { Candidate, Work } from '../../distribution/balancing/strategy.js';
import {
  type LaneLoad,
  type PlacedTask,
  placeOf,
  type PlannedAssignment,
  type QueuedTask,
} from '../store/queued-task.js';

export interface Situation {
  /** In the order in which they are to be assigned. */
  readonly queued: readonly QueuedTask[];
  /** Agents that could do it, the same for all tasks of a place; `inFlight` is left to the plan. */
  readonly able: (task: PlacedTask) => readonly Candidate[];
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

export interface Plan {
  readonly assignments: readonly PlannedAssignment[];
  /** Places where no agent has room for more, or none is. */
  readonly full: ReadonlySet<string>;
  /** How many tasks each agent has with these. */
  readonly held: ReadonlyMap<string, number>;
}

/**
 * Chooses an agent for each queued task. No agent gets more than it has room for, so that what waits is still there for agents that come
 * or get done sooner; and none gets a task ahead while another could begin it at once. No lane gets more than its limit, and
 * none while as many wait in the next lane, counting what will get there. What an agent has failed at goes to others, if there are
 * any. A task with an affinity waits for its agent.
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
    const place = placeOf(task);
    if (full.has(place)) return;
    if (assignedIn(lane) >= (lanes.get(lane)?.limit ?? Infinity)) return;
    const all = able(task).map((agent) => ({ ...agent, inFlight: given.get(agent.id) ?? 0 }));
    const hasRoom = (agent: Candidate) => agent.inFlight < room(agent);
    if (!all.some(hasRoom)) {
      full.add(place);
      return;
    }
    const untried = all.filter(({ id }) => !task.tried.includes(id));
    const candidates = untried.length > 0 ? untried : all;
    const withRoom = candidates.filter(hasRoom);
    const idle = withRoom.filter((agent) => agent.inFlight < agent.concurrency);
    const [first, ...rest] = affinity !== null ? candidates : idle.length > 0 ? idle : withRoom;
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
  return { assignments, full, held: given };
}

const workOf = (destination: string): Work =>
  destination.startsWith('capability.') ? { capability: destination.slice('capability.'.length) } : {};
