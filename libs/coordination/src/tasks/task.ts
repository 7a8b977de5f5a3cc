import type { WireError } from 'agentmq/protocol';
import type { CallerTransaction } from 'agentmq/database';
import type { Destination } from '../distribution/destination.js';

/**
 * - `queued`: with no agent; also what an agent failed at or died over, until it is given to the next
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
  /**
   * Which agents may do it: the agents of a role, of a capability, or one certain agent. `{ capability: <the contract's type> }`
   * unless given: any agent that declares the contract by `@Task`.
   */
  readonly to?: Destination | undefined;
  /** How the agent is chosen, e.g. `least-loaded`, which it is unless given. */
  readonly strategy?: string | undefined;
  /** With `consistent-hash`: tasks of the same key go to the same agent. 1-255 characters, none of them NUL. */
  readonly key?: string | undefined;
  /** 0 to 10; 5 unless given. The higher is assigned first. */
  readonly priority?: number | undefined;
  /**
   * How many attempts may fail, from 1 to 100; 3 unless given. A handler that throws what is not retryable fails the task
   * at once. The next attempt is another agent's, if there is one. An agent that dies over it counts as one.
   */
  readonly attempts?: number | undefined;
  /** Within how many ms it is to be done, 1 to 4,294,967,295; the setting `MESSAGE_BUS_MESSAGE_TTL` unless given. */
  readonly deadline?: number | undefined;
  /** For the parts that it is split into, unless they are given another; `fail-fast` unless given. */
  readonly onFailure?: FailurePolicy | undefined;
  /** It is submitted with the caller's own commit; that of the transactional handler being run unless given. */
  readonly transaction?: CallerTransaction | undefined;
  /**
   * Makes a repeated submission the same task: the first one with this key makes it, each later one gets its id, also once it
   * has ended, for as long as it is on record. 1-255 characters, none of them NUL; the same keys count for all agents and types.
   */
  readonly idempotencyKey?: string | undefined;
}

/** What the tasks of one call have in common. */
export interface BatchOptions<P extends object> extends Omit<TaskOptions, 'idempotencyKey'> {
  /** Each task's {@link TaskOptions.idempotencyKey}; payloads of the same key must be the same. */
  readonly idempotencyKeyOf?: (payload: P, index: number) => string;
}

/** A task as it is on record. */
export interface TaskRecord {
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
  /** The agent that has it, or had it last. */
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

/** A task, how far its agent has told it is, and what it has returned. */
export interface TaskWithResult extends TaskRecord, ResultView {
  /** What `TaskContext.progress` was given last, up to a second ago. */
  readonly progress: object | null;
  /** When, by the agent's clock. */
  readonly progressAt: Date | null;
}

export interface ProgressEvent {
  readonly kind: 'progress';
  readonly taskId: string;
  readonly progress: object;
  /** When its agent told it, by that agent's clock. */
  readonly at: Date;
}

/** What `Tasks.watch` tells of a task. */
export type TaskEvent = ProgressEvent | { readonly kind: 'state'; readonly task: TaskWithResult };

/** Tasks that are all of this. */
export interface TaskFilter {
  /** `running`: also what is assigned, and begun by its agent. */
  readonly state?: TaskState;
  /** Of a contract. */
  readonly type?: string;
  /** With this agent, or with it last. */
  readonly agentId?: string;
  /** Parts of this task. */
  readonly parentId?: string;
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
  /** At most this many: 1 to 1,000; 100 unless given. */
  readonly limit?: number;
  /** Oldest first unless given. */
  readonly newestFirst?: boolean;
  /** Tasks after this id in that order (ids are time-ordered). */
  readonly after?: string;
}

/** A task, its parts, their parts, … */
export interface TaskTree {
  readonly task: TaskRecord;
  /** Oldest first. */
  readonly parts: readonly TaskTree[];
}

/** An agent's attempt at a task. */
export interface TaskAttempt {
  /** Counts the assignments, from 1. */
  readonly attempt: number;
  readonly agentId: string;
  readonly assignedAt: Date;
  /** Null for what the agent has not begun. */
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** `lost`: its agent died; `given back`: its agent stopped, or another was to have it. Null while it is under way. */
  readonly outcome: 'completed' | 'failed' | 'lost' | 'given back' | 'cancelled' | null;
  readonly error: WireError | null;
}

/** How much there is to do at a destination. */
export interface TaskBacklog {
  /** `role.worker`, `agent.worker-1` or `capability.resize`. */
  readonly destination: string;
  readonly queued: number;
  readonly assigned: number;
}
