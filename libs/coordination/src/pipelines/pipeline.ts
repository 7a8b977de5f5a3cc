import type { PayloadClass, WireError } from 'agentmq/protocol';
import type { CallerTransaction } from 'agentmq/database';
import type { Destination } from '../distribution/destination.js';
import type { ResultView, TaskState } from '../tasks/task.js';

/** What one stage does with what the one before it has returned. */
export interface PipelineStage {
  /** Once in its pipeline: 1-128 letters, digits, `_`, `-` or `.`. */
  readonly name: string;
  /** What it is given, by a `@Task` method's contract: the input, or the result of the stage before. */
  readonly contract: PayloadClass;
  /** Who is to do it: an agent of a role, of a capability, or one certain agent. */
  readonly to: Destination;
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

export interface RunOptions {
  /** 0 to 10; 5 unless given. */
  readonly priority?: number;
  /** With stages whose strategy is `consistent-hash`: runs of the same key go to the same agents. 1-255 characters. */
  readonly key?: string;
  /** Within how many ms all stages are to be done, 1 to 4,294,967,295; `MESSAGE_BUS_MESSAGE_TTL` unless given. */
  readonly deadline?: number;
  /**
   * While as many runs are open as may be, how long to wait for one to end, in ms, 0 to 4,294,967,295; 0 unless given. In a
   * transaction nothing is waited for.
   */
  readonly wait?: number;
  /** Ends the waiting, with its reason. */
  readonly signal?: AbortSignal;
  /** The run is started with the caller's own commit; that of the transactional handler being run unless given. */
  readonly transaction?: CallerTransaction;
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
  /** Who does it, or did it last. */
  readonly agentId: string | null;
  /** When it was reached, when its agent began, and when it was done. */
  readonly reachedAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly error: WireError | null;
}
