import type { PayloadClass, WireError } from 'agentmq/protocol';
import type { Destination } from '../distribution/destination.js';
import type { ResultView, TaskOptions, TaskState } from '../tasks/task.js';

/** What one stage does with what the one before it has returned. */
export interface PipelineStage {
  /** Once in its pipeline: 1-128 letters, digits, `_`, `-` or `.`. */
  readonly name: string;
  /** What it is given, by a `@Task` method's contract: the input, or the result of the stage before. */
  readonly contract: PayloadClass;
  /** Which agents may do it, as of any task: any that declares the contract by `@Task` unless given. */
  readonly to?: Destination;
  /** How the agent is chosen; `least-loaded` unless given. */
  readonly strategy?: string;
  /** How many attempts may fail, from 1 to 100; 3 unless given. */
  readonly attempts?: number;
  /** How many runs may be in this stage at once, with agents, over all of them: 1 to 100,000; no limit unless given. */
  readonly concurrency?: number;
  /**
   * While so many runs wait for this stage, none is begun in the one before it, 1 to 100,000; no limit unless given. What is
   * under way there counts, since it will wait here. The first stage has none: see {@link PipelineOptions.maxRuns}.
   */
  readonly buffer?: number;
}

export interface PipelineOptions {
  /** How many runs may be open at once, over all processes, 1 to 100,000; no limit unless given. */
  readonly maxRuns?: number;
}

/** With stages whose strategy is `consistent-hash`, runs of the same `key` go to the same agents; `deadline` is for all stages. */
export interface RunOptions extends Pick<TaskOptions, 'priority' | 'key' | 'deadline' | 'transaction'> {
  /**
   * While as many runs are open as may be, how long to wait for one to end, in ms, 0 to 4,294,967,295; 0 unless given. In a
   * transaction nothing is waited for.
   */
  readonly wait?: number | undefined;
  /** Ends the waiting, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A run as it is on record; its result is that of the last stage. */
export interface PipelineRun extends ResultView {
  readonly id: string;
  readonly pipeline: string;
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled';
  /** All of its stages, in their order. */
  readonly stages: readonly StageOfRun[];
  readonly submitter: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly deadline: Date;
  /** Why it has failed, or was cancelled. */
  readonly error: WireError | null;
}

/** Runs that are all of this. */
export interface RunFilter {
  readonly pipeline?: string;
  readonly state?: PipelineRun['state'];
  /** At most this many: 1 to 1,000; 100 unless given. */
  readonly limit?: number;
  /** Runs before this id (ids are time-ordered). */
  readonly after?: string;
}

/** Where a run is with one of its stages. */
export interface StageOfRun {
  readonly name: string;
  /** `pending`: not reached. The others as of any task. */
  readonly state: TaskState | 'pending';
  readonly destination: string;
  /** The task that it is; null while pending. */
  readonly taskId: string | null;
  /** Counts the assignments. */
  readonly attempt: number;
  readonly failures: number;
  /** The agent that has it, or had it last. */
  readonly agentId: string | null;
  /** When it was reached, when its agent began, and when it was done. */
  readonly reachedAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly error: WireError | null;
}
