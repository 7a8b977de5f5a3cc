import { Injectable } from '@nestjs/common';
import { newMessageId, type TraceContext, type WireError } from 'agentmq/protocol';
import { Database, prepared, type PreparedStatement, texts, type Transaction } from 'agentmq/database';
import { type SettledTask, type TaskRef, WHOLE_SETTLED } from './settled.js';
import { endBelow, OPEN, withAttempt } from './sql-parts.js';
import { errorOfRun, handsOnSealed, insertNextStages } from './stages.js';
import type { FailurePolicy } from '../task.js';

/** Before a task that failed is tried again, in ms: doubled with each failure, up to the longest. */
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 30_000;

export interface TaskCompletion extends TaskRef {
  /** JSON, or sealed. */
  readonly result: string | null;
}

/** A task as the agent that has it is to carry it out. */
export interface BegunTask extends TaskRef {
  readonly type: string;
  readonly version: number;
  /** JSON, or sealed. */
  readonly payload: string;
  readonly destination: string;
  readonly priority: number;
  readonly submitter: string;
  readonly causeId: string | null;
  readonly trace: TraceContext | null;
  readonly createdAt: Date;
  readonly attempt: number;
  readonly attempts: number;
  readonly onFailure: FailurePolicy;
  /** Of a stage: the run that it is part of. */
  readonly runId: string | null;
  /** Of a stage: what it returns is sealed, since the next stage's contract is sensitive. */
  readonly handsOnSealed: boolean;
  readonly deadline: Date;
  /** How long it is until the deadline, in ms. */
  readonly leftMs: number;
  /** How long it waited, from when it was due, in ms. */
  readonly waitedMs: number;
}

type SettledBy = SettledTask & { readonly by: string };

/** Attempts at tasks, by the agents that have them: begun, and settled or given back. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class AttemptStore {
  private readonly tasks: string;
  private readonly beginning: PreparedStatement;
  private readonly settling: PreparedStatement;

  constructor(private readonly database: Database) {
    this.tasks = `"${database.schema}".tasks`;
    // An attempt that the database's server has forgotten, as it died, is not recorded either: it is made again.
    this.beginning = prepared('tasks.begin', beginning(this.tasks), { lossy: true });
    this.settling = prepared('tasks.settle', settling(this.tasks));
  }

  /**
   * Notes that the agent begins; what it has begun before it may begin again. Undefined: it is not, or no longer, what the assignment was
   * for, or part of what is settled. In the order given.
   */
  async begin(refs: readonly TaskRef[]): Promise<(BegunTask | undefined)[]> {
    const rows = await this.database.ownQuery<BegunTask>(this.beginning, [
      texts(refs.map(({ id }) => id)),
      texts(refs.map(({ assignment }) => assignment)),
    ]);
    const begun = new Map(rows.map((row) => [row.assignment, row]));
    return refs.map(({ assignment }) => begun.get(assignment));
  }

  /** Which of these assignments are not to be carried out any more. */
  async lost(assignments: readonly string[]): Promise<string[]> {
    const rows = await this.database.ownQuery<{ assignment: string }>(
      `SELECT assignment FROM ${this.tasks} WHERE state = 'assigned' AND assignment = ANY($1)`,
      [assignments],
    );
    const held = new Set(rows.map(({ assignment }) => assignment));
    return assignments.filter((assignment) => !held.has(assignment));
  }

  /**
   * Records results, where the assignment is still the agent's. What is below and still open is cancelled; after a stage of a
   * pipeline comes the next. For each in the order given: what has been settled, the task first; nothing means fenced off.
   */
  async complete(results: readonly TaskCompletion[], transaction?: Transaction): Promise<SettledTask[][]> {
    return this.settle('completed', results, null, transaction);
  }

  /** Records that the attempt has failed: the task is queued again, due a little later, or has failed for good. Fenced likewise. */
  async fail({ id, assignment }: TaskRef, error: WireError): Promise<SettledTask[]> {
    const [again] = await this.database.ownQuery<{ id: string }>(
      `UPDATE ${this.tasks} SET state = 'queued', failures = failures + 1, tried = array_append(tried, agent_id),
         history = ${withAttempt("'failed'", '$3::json')}, instance = NULL, assignment = NULL, started_at = NULL, error = $3,
         due_at = clock_timestamp() + LEAST($5, $4 * 2 ^ failures) * interval '1 ms'
       WHERE id = $1 AND assignment = $2 AND state = 'assigned' AND $6 AND failures + 1 < attempts
       RETURNING id`,
      [id, assignment, error, FIRST_RETRY_MS, LONGEST_RETRY_MS, error.retryable],
    );
    if (again) return [];
    const [settled = []] = await this.settle('failed', [{ id, assignment, result: null }], error);
    return settled;
  }

  /** Gives tasks back that were not carried out: they are queued again, which counts as no failure. */
  async release(refs: readonly TaskRef[]): Promise<void> {
    await this.database.ownQuery(
      `WITH held AS (
         SELECT t.id FROM ${this.tasks} t JOIN unnest($1::text[], $2::text[]) AS g (id, assignment) USING (id, assignment)
         WHERE t.state = 'assigned' ORDER BY t.id FOR UPDATE OF t
       )
       UPDATE ${this.tasks} t SET state = 'queued', history = ${withAttempt("'given back'")},
         instance = NULL, assignment = NULL, started_at = NULL
       FROM held WHERE t.id = held.id`,
      [refs.map(({ id }) => id), refs.map(({ assignment }) => assignment)],
    );
  }

  private async settle(
    state: 'completed' | 'failed',
    results: readonly TaskCompletion[],
    error: WireError | null,
    transaction?: Transaction,
  ): Promise<SettledTask[][]> {
    const parameters = [
      texts(results.map(({ id }) => id)),
      texts(results.map(({ assignment }) => assignment)),
      texts(results.map(({ result }) => result)),
      state,
      error && JSON.stringify(error),
      state === 'failed' ? 1 : 0,
      JSON.stringify(WHOLE_SETTLED),
      texts(results.map(() => newMessageId())),
    ];
    const rows = await this.database.ownQuery<SettledBy>(this.settling, parameters, transaction);
    const settled = new Map<string, SettledTask[]>(results.map(({ id }) => [id, []]));
    for (const { by, ...task } of rows) settled.get(by)?.push(task);
    return results.map(({ id }) => settled.get(id) ?? []);
  }
}

const beginning = (tasks: string): string =>
  `WITH held AS (
         SELECT t.id FROM ${tasks} t JOIN unnest($1::text[], $2::text[]) AS g (id, assignment) USING (id, assignment)
         WHERE t.state = 'assigned'
           AND NOT EXISTS (SELECT FROM ${tasks} whole WHERE whole.id = t.parent_id AND NOT whole.${OPEN})
         ORDER BY t.id FOR UPDATE OF t
       )
       UPDATE ${tasks} t SET started_at = coalesce(started_at, clock_timestamp()) FROM held WHERE t.id = held.id
       RETURNING t.id, t.assignment, type, version, payload, destination, priority, submitter, cause_id AS "causeId", trace,
         created_at AS "createdAt", attempt, attempts, on_failure AS "onFailure", deadline,
         CASE WHEN lane <> '' THEN parent_id END AS "runId",
         CASE WHEN lane <> '' THEN ${handsOnSealed(tasks, 't')} ELSE false END AS "handsOnSealed",
         extract(epoch FROM deadline - clock_timestamp())::float8 * 1000 AS "leftMs",
         extract(epoch FROM clock_timestamp() - greatest(created_at, due_at))::float8 * 1000 AS "waitedMs"`;

/**
 * A stage of a pipeline takes the run with it: the next one is there with its result, or the run has ended. Rows are locked
 * in the order of ids, as by other statements that take several: runs before their stages.
 */
const settling = (tasks: string): string =>
  `WITH RECURSIVE given AS (
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $8::text[]) AS g (id, assignment, result, stage_id)
       ), run AS MATERIALIZED (
         SELECT * FROM ${tasks} WHERE state = 'running'
           AND id IN (SELECT t.parent_id FROM ${tasks} t JOIN given USING (id, assignment))
         ORDER BY id FOR UPDATE
       ), held AS (
         SELECT t.id, given.result, given.stage_id FROM ${tasks} t JOIN given USING (id, assignment)
         WHERE t.state = 'assigned' AND (SELECT count(*) FROM run) >= 0 ORDER BY t.id FOR UPDATE OF t
       ), done AS (
         UPDATE ${tasks} t SET state = $4, result = held.result, error = $5, failures = failures + $6,
           history = CASE WHEN $4 = 'failed' THEN ${withAttempt("'failed'", '$5::json')} ELSE history END, assignment = NULL, finished_at = clock_timestamp()
         FROM held WHERE t.id = held.id
         RETURNING t.id, t.state, t.submitter, t.parent_id, t.key, t.result, t.error, held.stage_id
       ), step AS (
         SELECT parent_id AS run_id, key AS after, stage_id, coalesce(result, '{}') AS payload, id AS cause_id
         FROM done WHERE state = 'completed'
       ), next AS (${insertNextStages(tasks)}), run_ended AS (
         UPDATE ${tasks} t SET state = done.state, result = done.result, finished_at = clock_timestamp(),
           error = CASE WHEN done.state = 'failed' THEN ${errorOfRun('done')} END
         FROM done JOIN run ON run.id = done.parent_id
         WHERE t.id = run.id AND run.id NOT IN (SELECT parent_id FROM next)
         RETURNING t.id, t.state, t.submitter, done.id AS by
       ), ${endBelow(tasks, 'done', '$7')}
       SELECT id, state, submitter, id AS by FROM done
       UNION ALL SELECT * FROM run_ended
       UNION ALL SELECT ended.id, state, submitter, (SELECT by FROM below WHERE id = ended.id LIMIT 1) FROM ended`;
