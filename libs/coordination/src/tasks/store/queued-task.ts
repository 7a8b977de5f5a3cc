import type { Candidate } from '../../distribution/balancing/strategy.js';

/** A task that is to be given to an agent. */
export interface QueuedTask {
  readonly id: string;
  readonly destination: string;
  readonly type: string;
  readonly version: number;
  readonly strategy: string;
  readonly affinity: string | null;
  /** Agents that have failed at it, or died over it. */
  readonly tried: readonly string[];
  /** The stage of a pipeline that it is; '' for none. */
  readonly lane: string;
  /** The next stage's lane. */
  readonly feeds: string | null;
  /** Whether another task waits for it. */
  readonly isPart: boolean;
  /** Of one that may be moved to another agent: by which it waits at one. */
  readonly assignment?: string;
}

export type PlacedTask = Pick<QueuedTask, 'destination' | 'type' | 'version'>;

/** What decides which agents could do a task: where it goes, and what it is. */
export const placeOf = ({ destination, type, version }: PlacedTask): string => `${destination} ${type} ${version}`;

/** How many tasks of a lane are with agents, and how many wait. */
export interface LaneLoad {
  readonly assigned: number;
  readonly queued: number;
  /** The most that may be with agents. */
  readonly limit: number | null;
  /** The most that may wait in the lane that it feeds. */
  readonly feedsLimit: number | null;
}

export interface PlannedAssignment {
  readonly task: QueuedTask;
  readonly agent: Candidate;
}
