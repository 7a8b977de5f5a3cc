import type { WireError } from 'agentmq/protocol';
import type { CallerTransaction } from 'agentmq/database';
import type { Destination } from '../distribution/destination.js';

/**
 * - `queued`: with nobody; also what an agent failed at or died over, until it is given to the next
 * - `assigned`: with an agent, which has begun it or not
 * - `running`: a pipeline, whose stages are tasks of their own
 * - `completed`, `failed`, `cancelled`: settled
 */
export const TASK_STATES = ['queued', 'assigned', 'running', 'completed', 'failed', 'cancelled'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/**
 * What a part that fails for good means for the task that it is a part of: `fail-fast`, the other parts are cancelled and
 * it fails too; `partial`, it gets the results of the others.
 */
export type FailurePolicy = 'fail-fast' | 'partial';

export interface TaskOptions {
  /** Who is to do it: an agent of a role, of a capability, or one certain agent. */
  readonly to: Destination;
  /** How the agent is chosen, e.g. `least-loaded`, which it is unless given. */
  readonly strategy?: string;
  /** With `consistent-hash`: tasks of the same key go to the same agent. 1-255 characters, none of them NUL. */
  readonly key?: string;
  /** 0 to 10; 5 unless given. The higher is assigned first. */
  readonly priority?: number;
  /**
   * How many attempts may fail, from 1 to 100; 3 unless given. A handler that throws what is not retryable fails the task
   * at once. The next attempt is another agent's, if there is one. An agent that dies over it counts as one.
   */
  readonly attempts?: number;
  /** Within how many ms it is to be done, 1 to 4,294,967,295; the setting `MESSAGE_BUS_MESSAGE_TTL` unless given. */
  readonly deadline?: number;
  /** For the parts that it is split into, unless they are given another; `fail-fast` unless given. */
  readonly onFailure?: FailurePolicy;
  /** It is submitted with the caller's own commit; that of the transactional handler being run unless given. */
  readonly transaction?: CallerTransaction;
}

/** A task as it is on record. */
export interface Task {
  readonly id: string;
  /** The task that it is a part of. */
  readonly parentId: string | null;
  /** Which part of it. */
  readonly key: string | null;
  /** Its contract. */
  readonly type: string;
  readonly version: number;
  /** `role.worker`, `agent.worker-1` or `capability.resize`. */
  readonly destination: string;
  readonly strategy: string;
  readonly priority: number;
  readonly state: TaskState;
  /** Counts the assignments. */
  readonly attempt: number;
  readonly failures: number;
  readonly attempts: number;
  /** Who has it, or had it last. */
  readonly agentId: string | null;
  readonly submitter: string;
  readonly createdAt: Date;
  /** When it was assigned last, and when that agent began. */
  readonly assignedAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly deadline: Date;
  /** What the last attempt that failed threw; of a cancelled one, why. */
  readonly error: WireError | null;
}

/** What an agent has returned, as it is shown. */
export interface ResultView {
  readonly result?: unknown;
  /** Why there is no `result`, though there is one: `sealed with key <kid>`. `Tasks.result` opens it. */
  readonly resultHidden?: string;
}

/** A task, and what its agent has returned. */
export interface TaskWithResult extends Task, ResultView {}

export interface TaskFilter {
  readonly state?: TaskState;
  readonly parentId?: string;
  /** Oldest first, at most this many: 1 to 1,000; 100 unless given. */
  readonly limit?: number;
  /** Tasks after this id (ids are time-ordered). */
  readonly after?: string;
}

/** How much there is to do at a destination. */
export interface TaskBacklog {
  /** `role.worker`, `agent.worker-1` or `capability.resize`. */
  readonly destination: string;
  readonly queued: number;
  readonly assigned: number;
}
