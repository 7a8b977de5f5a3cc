import { setTimeout as pause } from 'node:timers/promises';
import type { Transaction } from 'agentmq/database';
import type { Database } from 'agentmq/database';
import type { TaskDraft } from '../tasks/draft.js';
import { insertNextStages, type StageDraft } from '../tasks/store/stages.js';
import type { Task } from '../tasks/task.js';
import { COLUMNS, type Runner } from '../tasks/store/sql-parts.js';
import { PipelineBusyError } from './errors.js';

/** A run's row, or a stage's. */
export interface RunRow extends Task {
  readonly result: string | null;
  /** Of the run. */
  readonly stages: readonly StageDraft[] | null;
}

/** Where a pipeline's runs go, as far as tasks have destinations. */
const PREFIX = 'pipeline.';
export const destinationOf = (pipeline: string): string => `${PREFIX}${pipeline}`;
export const pipelineOf = (destination: string): string => destination.slice(PREFIX.length);

/** How long a start waits for others of the same pipeline, whose transactions may be their callers', in ms. */
const LOCK_MS = 1_000;
const LOCK_LOOK_MS = 10;

/** Runs of pipelines among the tasks. Everything rejects as `Database.query` does. */
export class PipelineStore {
  private readonly tasks: string;

  constructor(private readonly database: Database) {
    this.tasks = `"${database.schema}".tasks`;
  }

  /**
   * Writes a run, and its first stage. Resolves with false when as many are open as may be. Rejects with
   * {@link PipelineBusyError} while another's transaction is open that has started one: only with its end they can be counted.
   */
  async start(
    run: TaskDraft,
    stages: readonly StageDraft[],
    stageId: string,
    maxRuns: number | undefined,
    transaction: Transaction | undefined,
  ): Promise<boolean> {
    if (maxRuns === undefined) return this.insert(run, stages, stageId, null, transaction ?? this.database);
    const count = async (runner: Transaction): Promise<boolean> => {
      // one after the other, so that none is missed by the count of another
      if (!(await this.lock(run.destination, runner))) throw new PipelineBusyError(pipelineOf(run.destination));
      return this.insert(run, stages, stageId, maxRuns, runner);
    };
    return transaction ? count(transaction) : this.database.transaction(count);
  }

  /** Never waits in the database: it would keep one of few connections from others, for as long as they like. */
  private async lock(destination: string, runner: Transaction): Promise<boolean> {
    const until = performance.now() + LOCK_MS;
    for (;;) {
      const [row] = await runner.query<{ got: boolean }>(
        'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS got',
        [`${this.tasks} ${destination}`],
      );
      if (row?.got) return true;
      if (performance.now() >= until) return false;
      await pause(LOCK_LOOK_MS * (1 + Math.random()));
    }
  }

  /** The run and the stages that it has reached, as they are at one moment. What is no run has no row with stages. */
  async rows(id: string): Promise<RunRow[]> {
    return this.database.query<RunRow>(
      `SELECT ${COLUMNS}, result, stages FROM ${this.tasks} WHERE id = $1 AND stages IS NOT NULL
       UNION ALL
       SELECT ${COLUMNS}, NULL, NULL FROM ${this.tasks} WHERE parent_id = $1`,
      [id],
    );
  }

  private async insert(
    run: TaskDraft,
    stages: readonly StageDraft[],
    stageId: string,
    maxRuns: number | null,
    runner: Runner,
  ): Promise<boolean> {
    const rows = await runner.query<{ id: string }>(
      `WITH run AS (
         INSERT INTO ${this.tasks} (id, type, version, payload, destination, strategy, affinity, priority, attempts,
           on_failure, stages, state, submitter, cause_id, trace, due_at, deadline)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'running', $12, $13, $14, now, now + $15 * interval '1 ms'
         FROM clock_timestamp() AS now
         WHERE $16::integer IS NULL OR $16 >
           (SELECT count(*) FROM (SELECT FROM ${this.tasks} WHERE destination = $5 AND state = 'running' LIMIT $16) open)
         RETURNING *
       ), step AS (
         SELECT id AS run_id, NULL::text AS after, $17::text AS stage_id, payload, cause_id FROM run
       ), first AS (${insertNextStages(this.tasks)})
       SELECT id FROM run`,
      [
        run.id,
        run.type,
        run.version,
        run.payload,
        run.destination,
        run.strategy,
        run.affinity ?? null,
        run.priority,
        run.attempts,
        run.onFailure,
        JSON.stringify(stages),
        run.submitter,
        run.causeId ?? null,
        JSON.stringify(run.trace),
        run.deadlineMs,
        maxRuns,
        stageId,
      ],
    );
    return rows.length > 0;
  }
}
