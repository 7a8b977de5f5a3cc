/** Runs statements: in a transaction, or each by itself. */
export interface Runner {
  query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

/** Of tasks that are not settled. */
export const OPEN = `state IN ('queued', 'assigned', 'running')`;

/** Of a recursive statement that has the ids of tasks in `of`: cancels what is open below them. `error`: its parameter. */
export const endBelow = (tasks: string, of: string, error: string): string =>
  `below AS (
     SELECT t.id, ${of}.id AS by FROM ${tasks} t JOIN ${of} ON t.parent_id = ${of}.id WHERE t.${OPEN}
     UNION
     SELECT t.id, below.by FROM ${tasks} t JOIN below ON t.parent_id = below.id WHERE t.${OPEN}
   ), held_below AS (
     SELECT t.id FROM ${tasks} t WHERE id IN (SELECT id FROM below) AND id NOT IN (SELECT id FROM ${of}) ORDER BY id FOR UPDATE
   ), ended AS (
     UPDATE ${tasks} t SET state = 'cancelled', assignment = NULL, finished_at = clock_timestamp(), error = ${error}
     FROM held_below WHERE t.id = held_below.id AND t.${OPEN}
     RETURNING t.id, t.state, t.submitter
   )`;

export const COLUMNS = `id, parent_id AS "parentId", key, type, version, destination, strategy, priority, state, attempt, failures,
  attempts, agent_id AS "agentId", submitter, created_at AS "createdAt", assigned_at AS "assignedAt",
  started_at AS "startedAt", finished_at AS "finishedAt", deadline, error`;
