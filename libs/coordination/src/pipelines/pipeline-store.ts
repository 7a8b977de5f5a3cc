import { Injectable } from '@nestjs/common';
import type { Transaction } from 'agentmq/database';
import { clean, cleanOptional, Database } from 'agentmq/database';
import { pause } from 'agentmq/time';
import type { TaskDraft } from '../tasks/draft.js';
import { insertNextStages, type StageDraft } from '../tasks/store/stages.js';
import type { TaskRecord } from '../tasks/task.js';
import { COLUMNS, type Runner } from '../tasks/store/sql-parts.js';
import { PipelineBusyError } from './errors.js';
import type { RunFilter } from './pipeline.js';

/** A run's row, or a stage's. */
export interface RunRow extends TaskRecord {
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

/** Runs of pipelines among the tasks. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class PipelineStore {
  private readonly tasks: string;

  constructor(readonly database: Database) {
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
    return transaction ? count(transaction) : this.database.ownTransaction(count, { inTurn: true });
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
    return this.database.ownQuery<RunRow>(
      `SELECT ${COLUMNS}, result, stages FROM ${this.tasks} WHERE id = $1 AND stages IS NOT NULL
       UNION ALL
       SELECT ${COLUMNS}, NULL, NULL FROM ${this.tasks} WHERE parent_id = $1`,
      [clean(id)],
    );
  }

  /** Runs, newest first, and the stages that each has reached. What `after` names is the last of the page before. */
  async list({ pipeline, state, after, limit }: RunFilter & { readonly limit: number }): Promise<RunRow[][]> {
    const rows = await this.database.ownQuery<RunRow>(
      `WITH runs AS MATERIALIZED (
         SELECT id FROM ${this.tasks} WHERE stages IS NOT NULL AND ($1::text IS NULL OR destination = $1)
           AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $4
       )
       SELECT ${COLUMNS}, result, stages FROM ${this.tasks} WHERE id IN (SELECT id FROM runs)
       UNION ALL
       SELECT ${COLUMNS}, NULL, NULL FROM ${this.tasks} WHERE parent_id IN (SELECT id FROM runs)`,
      [cleanOptional(pipeline && destinationOf(pipeline)), state ?? null, cleanOptional(after), limit],
    );
    const ids = rows.filter(({ stages }) => stages).map(({ id }) => id);
    return ids
      .sort()
      .reverse()
      .map((id) => rows.filter((row) => row.id === id || row.parentId === id));
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
