/** Runs statements: in a transaction, or each by itself. */
export interface Runner {
  query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

/** Runs a statement of the leader's, as `Leadership.fenced` does. */
export type Fenced = <Row extends object>(
  statement: { readonly name: string; sql(led: (after: string) => string): string },
  parameters: readonly unknown[],
) => Promise<Row[]>;

/** Of tasks that are not settled. */
export const OPEN = `state IN ('queued', 'assigned', 'running')`;

/** The most attempts that are kept of a task. */
const MOST_ATTEMPTS = 100;

/**
 * The history of a task once the attempt of its row has ended so, otherwise than by a result. What it says of an attempt is read by
 * `Tasks.attempts`. Columns of the task's row, as it was before.
 */
export const withAttempt = (outcome: string, error = 'NULL'): string =>
  `(history || json_build_object('attempt', attempt, 'agentId', agent_id, 'assignedAt', assigned_at, 'startedAt', started_at,
     'endedAt', clock_timestamp(), 'outcome', ${outcome}, 'error', ${error}))[greatest(1, cardinality(history) + 2 - ${MOST_ATTEMPTS}):]`;

/** The same where a task may be ended that is with no agent. */
export const withAttemptIfAny = (outcome: string, error?: string): string =>
  `CASE WHEN state = 'assigned' THEN ${withAttempt(outcome, error)} ELSE history END`;

/** Of a recursive statement that has the ids of tasks in `of`: cancels what is open below them. `error`: its parameter. */
export const endBelow = (tasks: string, of: string, error: string): string =>
  `below AS (
     SELECT t.id, ${of}.id AS by FROM ${tasks} t JOIN ${of} ON t.parent_id = ${of}.id WHERE t.${OPEN}
     UNION
     SELECT t.id, below.by FROM ${tasks} t JOIN below ON t.parent_id = below.id WHERE t.${OPEN}
   ), held_below AS (
     SELECT t.id FROM ${tasks} t WHERE id IN (SELECT id FROM below) AND id NOT IN (SELECT id FROM ${of}) ORDER BY id FOR UPDATE
   ), ended AS (
     UPDATE ${tasks} t SET state = 'cancelled', history = ${withAttemptIfAny("'cancelled'")}, assignment = NULL,
       finished_at = clock_timestamp(), error = ${error}
     FROM held_below WHERE t.id = held_below.id AND t.${OPEN}
     RETURNING t.id, t.state, t.submitter
   )`;

export const COLUMNS = `id, parent_id AS "parentId", key, type, version, destination, strategy, priority, state, attempt, failures,
  attempts, agent_id AS "agentId", submitter, created_at AS "createdAt", assigned_at AS "assignedAt",
  started_at AS "startedAt", finished_at AS "finishedAt", deadline, error`;
