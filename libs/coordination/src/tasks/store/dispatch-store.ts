import { Injectable } from '@nestjs/common';
import { newMessageId, type WireError } from 'agentmq/protocol';
import type { AssignedWork } from 'agentmq/messaging';
import type { Transaction } from 'agentmq/database';
import { Database, prepared, type PreparedStatement, texts } from 'agentmq/database';
import type { LaneLoad, PlannedAssignment, QueuedTask } from './queued-task.js';
import { errorOfRun } from './stages.js';
import { type SettledTask, type TaskRef, WHOLE_SETTLED } from './settled.js';
import { type Fenced, OPEN, withAttempt, withAttemptIfAny } from './sql-parts.js';

/** An agent's tasks. */
export interface Holding {
  readonly agentId: string;
  readonly instance: string;
  readonly held: number;
  /** Of these: what it has begun. */
  readonly begun: number;
  /** Of what it has begun: what waits for parts. */
  readonly waiting: number;
}

/** A task with the agent that is to be told of it. */
export interface AssignedTask extends TaskRef {
  readonly agentId: string;
  readonly instance: string;
}

/** A task that was just assigned. */
export type GivenTask = AssignedTask & AssignedWork;

/** A task that waits at an agent. */
export type UnbegunTask = QueuedTask & AssignedTask;

/** How things are. */
export interface Look {
  readonly queued: readonly QueuedTask[];
  readonly holdings: readonly Holding[];
  readonly lanes: readonly (LaneLoad & { readonly lane: string })[];
  /** How many tasks are queued, due or not, counted up to one more than the limit. */
  readonly openQueued: number;
  /** Whether a run of a pipeline is open. */
  readonly isAnyRunning: boolean;
  readonly isAnyOpen: boolean;
  /** Whether an open task is out of time. */
  readonly isAnyOverdue: boolean;
}

/** What became of tasks that were taken from an agent. */
export interface TakenTasks {
  /** How many were taken. */
  readonly taken: number;
  /** Those that failed with it, and their runs. */
  readonly failed: readonly SettledTask[];
}

/** Tasks as the dispatcher assigns them and takes them back. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class DispatchStore {
  private readonly tasks: string;
  private readonly looking: PreparedStatement;

  constructor(private readonly database: Database) {
    this.tasks = `"${database.schema}".tasks`;
    this.looking = prepared('tasks.look', this.lookingOf());
  }

  /**
   * How things are, read at once. Queued is what is due, at most `limit` of each destination and lane, by priority and then by the age
   * of the whole that it is part of: what has been begun is finished before more is begun. Without tasks of the places and keys given, as
   * {@link placeOf} and {@link keyOf} have them.
   */
  async look(limit: number, without: readonly string[] = []): Promise<Look> {
    const [row] = await this.database.ownQuery<Look>(this.looking, [limit, texts(without)]);
    return row as Look;
  }

  private lookingOf(): string {
    return `SELECT (SELECT coalesce(json_agg(queued), '[]') FROM (${this.queued}) queued) AS queued,
         (SELECT coalesce(json_agg(holding), '[]') FROM (${this.holdings}) holding) AS holdings,
         (SELECT coalesce(json_agg(load), '[]') FROM (${this.lanes}) load) AS lanes,
         (SELECT count(*)::integer FROM (SELECT FROM ${this.tasks} WHERE state = 'queued' LIMIT $1 + 1) open) AS "openQueued",
         EXISTS (SELECT FROM ${this.tasks} WHERE state = 'running') AS "isAnyRunning",
         EXISTS (SELECT FROM ${this.tasks} WHERE ${OPEN}) AS "isAnyOpen",
         EXISTS (SELECT FROM ${this.tasks} WHERE ${OPEN} AND deadline <= statement_timestamp()) AS "isAnyOverdue"`;
  }

  private get queued(): string {
    return `WITH RECURSIVE place AS (
         (SELECT destination, lane FROM ${this.tasks} WHERE state = 'queued' ORDER BY destination, lane LIMIT 1)
         UNION ALL
         SELECT next.destination, next.lane FROM place CROSS JOIN LATERAL (
           SELECT destination, lane FROM ${this.tasks}
           WHERE state = 'queued' AND (destination, lane) > (place.destination, place.lane)
           ORDER BY destination, lane LIMIT 1
         ) next
       )
       SELECT id, t.destination, type, version, strategy, affinity, tried, t.lane, feeds, "isPart"
       FROM place CROSS JOIN LATERAL (
         SELECT id, coalesce(parent_id, id) AS whole, priority, destination, type, version, strategy, affinity, tried, lane,
           feeds, parent_id IS NOT NULL AS "isPart"
         FROM ${this.tasks} queued
         WHERE state = 'queued' AND destination = place.destination AND lane = place.lane
           AND (due_at <= clock_timestamp() OR due_at = 'infinity' AND NOT EXISTS (
             SELECT FROM ${this.tasks} part WHERE part.parent_id = queued.id AND part.${OPEN}))
           AND deadline > clock_timestamp() AND NOT destination || ' ' || type || ' ' || version = ANY($2)
           AND (affinity IS NULL OR NOT destination || E'\n' || affinity = ANY($2))
         ORDER BY priority DESC, id LIMIT $1
       ) t
       ORDER BY priority DESC, whole, id`;
  }

  private get holdings(): string {
    return `SELECT agent_id AS "agentId", instance, count(*)::integer AS held, count(started_at)::integer AS begun,
         count(*) FILTER (WHERE started_at IS NOT NULL AND EXISTS (
           SELECT FROM ${this.tasks} part WHERE part.parent_id = t.id AND part.${OPEN}))::integer AS waiting
       FROM ${this.tasks} t WHERE state = 'assigned' GROUP BY agent_id, instance`;
  }

  /** Of runs of several definitions of a pipeline the lowest limit counts. */
  private get lanes(): string {
    return `SELECT lane, count(*) FILTER (WHERE state = 'assigned')::integer AS assigned,
         count(*) FILTER (WHERE state = 'queued')::integer AS queued,
         min(lane_limit) AS limit, min(feeds_limit) AS "feedsLimit"
       FROM ${this.tasks} WHERE lane <> '' AND state IN ('queued', 'assigned') GROUP BY lane`;
  }

  /** Whether any task is open, due or not. */
  async hasOpen(): Promise<boolean> {
    const [row] = await this.database.ownQuery<{ open: boolean }>(
      `SELECT EXISTS (SELECT FROM ${this.tasks} WHERE ${OPEN}) AS open`,
    );
    return row?.open ?? false;
  }

  /** Assigns what is still queued, or still waits at the agent that it is to be moved from. Resolves with what was, in the order given. */
  async assign(fenced: Fenced, assignments: readonly PlannedAssignment[]): Promise<GivenTask[]> {
    const sql = (led: (after: string) => string): string => `WITH given AS (
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS g (id, moved, to_agent, to_instance, by)
       ), held AS (
         SELECT t.id, to_agent, to_instance, by FROM ${this.tasks} t JOIN given USING (id)
         WHERE CASE WHEN moved IS NULL THEN state = 'queued'
           ELSE state = 'assigned' AND t.assignment = moved AND started_at IS NULL END
         ORDER BY t.id FOR UPDATE OF t
       ), led AS (${led('held')})
       UPDATE ${this.tasks} t
       SET state = 'assigned', attempt = attempt + 1, agent_id = to_agent, instance = to_instance,
         history = CASE WHEN t.state = 'assigned' THEN ${withAttempt("'given back'")} ELSE history END,
         assignment = by, assigned_at = clock_timestamp(), started_at = NULL, due_at = LEAST(due_at, clock_timestamp())
       FROM held WHERE t.id = held.id AND EXISTS (SELECT FROM led)
       RETURNING t.id, t.agent_id AS "agentId", t.instance, t.assignment, t.trace`;
    const rows = await fenced<AssignedTask & Pick<GivenTask, 'trace'>>({ name: 'tasks.assign', sql }, [
      texts(assignments.map(({ task }) => task.id)),
      texts(assignments.map(({ task }) => task.assignment)),
      texts(assignments.map(({ agent }) => agent.id)),
      texts(assignments.map(({ agent }) => agent.instance)),
      texts(assignments.map(() => newMessageId())),
    ]);
    const assigned = new Map(rows.map((row) => [row.id, row]));
    return assignments.flatMap(({ task }) => {
      const row = assigned.get(task.id);
      return row ? { ...row, destination: task.destination, type: task.type, version: task.version } : [];
    });
  }

  /** Fails a queued task that no agent can be given, and the run that it is a stage of. */
  async refuse(transaction: Transaction, id: string, error: WireError): Promise<SettledTask[]> {
    return transaction.query<SettledTask>(
      `WITH run AS MATERIALIZED (
         SELECT id FROM ${this.tasks} WHERE state = 'running' AND id = (SELECT parent_id FROM ${this.tasks} WHERE id = $1)
         FOR UPDATE
       ), refused AS (
         UPDATE ${this.tasks} SET state = 'failed', finished_at = clock_timestamp(), error = $2
         WHERE id = $1 AND state = 'queued' AND (SELECT count(*) FROM run) >= 0
         RETURNING id, state, submitter, parent_id, key, error
       ), failed_run AS (${this.failRuns('refused')})
       SELECT id, state, submitter FROM refused UNION ALL SELECT id, state, submitter FROM failed_run`,
      [id, error],
    );
  }

  /**
   * Takes from an instance what it has: to be assigned anew. With `begun`, what it had begun counts as an attempt that failed,
   * and fails with the last one; without, that is left to it.
   */
  async takeFrom(
    transaction: Transaction,
    { agentId, instance }: Pick<Holding, 'agentId' | 'instance'>,
    options: { readonly begun: 'counts' | 'again' | 'stays'; readonly lost: WireError },
  ): Promise<TakenTasks> {
    const rows = await transaction.query<SettledTask & { readonly isRun: boolean }>(
      `WITH run AS MATERIALIZED (
         SELECT id FROM ${this.tasks} WHERE state = 'running' AND $3 = 'counts' AND id IN (
           SELECT parent_id FROM ${this.tasks} WHERE state = 'assigned' AND agent_id = $1 AND instance = $2)
         ORDER BY id FOR UPDATE
       ), held AS (
         SELECT id, started_at IS NOT NULL AND $3 = 'counts' AS counts FROM ${this.tasks}
         WHERE state = 'assigned' AND agent_id = $1 AND instance = $2 AND (started_at IS NULL OR $3 <> 'stays')
           AND (SELECT count(*) FROM run) >= 0
         ORDER BY id FOR UPDATE
       ), taken AS (
       UPDATE ${this.tasks} t
       SET state = CASE WHEN counts AND failures + 1 >= attempts THEN 'failed' ELSE 'queued' END,
         finished_at = CASE WHEN counts AND failures + 1 >= attempts THEN clock_timestamp() END,
         failures = failures + counts::integer,
         error = CASE WHEN counts THEN $4::json ELSE error END,
         tried = CASE WHEN counts THEN array_append(tried, agent_id) ELSE tried END,
         history = ${withAttempt("'lost'", 'CASE WHEN counts THEN $4::json END')},
         instance = NULL, assignment = NULL,
         started_at = CASE WHEN counts AND failures + 1 >= attempts THEN started_at END
       FROM held WHERE t.id = held.id
       RETURNING t.id, t.state, t.submitter, t.parent_id, t.key, t.error
       ), failed_run AS (${this.failRuns('taken')})
       SELECT id, state, submitter, false AS "isRun" FROM taken UNION ALL SELECT id, state, submitter, true FROM failed_run`,
      [agentId, instance, options.begun, options.lost],
    );
    return {
      taken: rows.filter(({ isRun }) => !isRun).length,
      failed: rows.flatMap(({ isRun: _, ...task }) => (task.state === 'failed' ? [task] : [])),
    };
  }

  /**
   * Takes back, from one of the agents given, the task that waits for the first of these parts for which there is such a task:
   * so that a part can have the place that its own whole holds. It is not assigned again before what it has been split into
   * so far is settled; then its next attempt finds the parts. Resolves with its id.
   */
  async putOff(
    transaction: Transaction,
    partIds: readonly string[],
    agentIds: readonly string[],
  ): Promise<string | undefined> {
    const [whole] = await transaction.query<{ id: string }>(
      `WITH RECURSIVE up AS (
         SELECT t.id, t.parent_id, place, 0 AS height FROM unnest($1::text[]) WITH ORDINALITY AS part (id, place)
         JOIN ${this.tasks} t USING (id) WHERE t.state = 'queued'
         UNION ALL
         SELECT t.id, t.parent_id, place, height + 1 FROM ${this.tasks} t JOIN up ON t.id = up.parent_id
       ), held AS (
         SELECT t.id FROM ${this.tasks} t JOIN up USING (id) WHERE t.state = 'assigned' AND t.agent_id = ANY($2)
         ORDER BY place, height LIMIT 1 FOR UPDATE OF t
       )
       UPDATE ${this.tasks} t SET state = 'queued', due_at = 'infinity', history = ${withAttempt("'given back'")},
         instance = NULL, assignment = NULL, started_at = NULL
       FROM held WHERE t.id = held.id AND t.state = 'assigned' RETURNING t.id`,
      [partIds, agentIds],
    );
    return whole?.id;
  }

  /** What these instances were assigned longer ago than `ageMs` and have not begun, the latest first, at most `limit`. */
  async unbegun(instances: readonly string[], ageMs: number, limit: number): Promise<UnbegunTask[]> {
    return this.database.ownQuery<UnbegunTask>(
      `SELECT id, destination, type, version, strategy, affinity, tried, lane, feeds, parent_id IS NOT NULL AS "isPart",
         agent_id AS "agentId", instance, assignment FROM ${this.tasks}
       WHERE state = 'assigned' AND started_at IS NULL AND instance = ANY($1)
         AND assigned_at < clock_timestamp() - $2 * interval '1 ms'
       ORDER BY assigned_at DESC, id DESC LIMIT $3`,
      [instances, ageMs, limit],
    );
  }

  /** Fails what is open and out of time, at most `limit`. */
  async endOverdue(transaction: Transaction, limit: number): Promise<SettledTask[]> {
    return transaction.query<SettledTask>(
      `WITH overdue AS (
         SELECT id FROM ${this.tasks} WHERE ${OPEN} AND deadline <= statement_timestamp() ORDER BY deadline LIMIT $2
       ), held AS (
         SELECT id FROM ${this.tasks} WHERE id IN (SELECT id FROM overdue) ORDER BY id FOR UPDATE
       )
       UPDATE ${this.tasks} t SET state = 'failed', history = ${withAttemptIfAny("'failed'", '$1::json')},
         assignment = NULL, finished_at = clock_timestamp(), error = CASE WHEN attempt > 0 OR state = 'running' THEN $1::json ELSE json_build_object('name', 'TaskDeadlineError',
           'code', 'TASK_DEADLINE_EXCEEDED', 'message', 'no able agent had room for ' || destination || ' by its deadline',
           'retryable', false) END
       FROM held WHERE t.id = held.id AND t.${OPEN} RETURNING t.id, t.state, t.submitter`,
      [outOfTime, limit],
    );
  }

  /** Cancels what is below anything that is settled; of what is right below, at most `limit`. */
  async endOrphans(transaction: Transaction, limit: number): Promise<SettledTask[]> {
    return transaction.query<SettledTask>(
      `WITH RECURSIVE orphan AS (
         (SELECT t.id FROM ${this.tasks} t JOIN ${this.tasks} whole ON whole.id = t.parent_id
          WHERE t.${OPEN} AND NOT whole.${OPEN} LIMIT $2)
         UNION
         SELECT t.id FROM ${this.tasks} t JOIN orphan ON t.parent_id = orphan.id WHERE t.${OPEN}
       ), held AS (
         SELECT id FROM ${this.tasks} WHERE id IN (SELECT id FROM orphan) ORDER BY id FOR UPDATE
       )
       UPDATE ${this.tasks} t SET state = 'cancelled', history = ${withAttemptIfAny("'cancelled'")}, assignment = NULL,
         finished_at = clock_timestamp(), error = $1
       FROM held WHERE t.id = held.id AND t.${OPEN} RETURNING t.id, t.state, t.submitter`,
      [WHOLE_SETTLED, limit],
    );
  }

  /** Of a statement that has the rows of tasks in `stages`: fails the runs of those that have failed. They are locked before. */
  private failRuns(stages: string): string {
    return `UPDATE ${this.tasks} t SET state = 'failed', finished_at = clock_timestamp(), error = ${errorOfRun('stage')}
         FROM ${stages} stage WHERE t.id = stage.parent_id AND t.state = 'running' AND stage.state = 'failed'
         RETURNING t.id, t.state, t.submitter`;
  }

  /** Deletes what was settled longer ago than `ageMs`, at most `limit`, but for parts of what is not. Resolves with how many. */
  async forget(ageMs: number, limit: number): Promise<number> {
    // a time that is the same for all rows, so that the index finds them
    const rows = await this.database.ownQuery<{ id: string }>(
      `DELETE FROM ${this.tasks} WHERE id IN (
         SELECT t.id FROM ${this.tasks} t LEFT JOIN ${this.tasks} parent ON parent.id = t.parent_id
         WHERE t.finished_at < statement_timestamp() - $1 * interval '1 ms'
           AND (parent.id IS NULL OR parent.finished_at IS NOT NULL)
         ORDER BY t.finished_at LIMIT $2)
       RETURNING id`,
      [ageMs, limit],
    );
    return rows.length;
  }
}

/** A key, where it is one. */
export const keyOf = ({ destination, affinity }: Pick<QueuedTask, 'destination' | 'affinity'>): string | undefined =>
  affinity === null ? undefined : `${destination}\n${affinity}`;

const outOfTime: WireError = {
  name: 'TaskDeadlineError',
  code: 'TASK_DEADLINE_EXCEEDED',
  message: 'the task was not done by its deadline',
  retryable: false,
};
