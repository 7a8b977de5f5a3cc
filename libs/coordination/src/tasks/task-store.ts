import { newMessageId, shortened, type WireError } from 'agentmq/protocol';
import type { Database } from 'agentmq/database';
import type { TaskDraft } from './draft.js';
import { GIVEN, rowOf } from './draft-row.js';
import { errorOfRun, handsOnSealed, insertNextStages } from './stages.js';
import type { FailurePolicy, Task, TaskFilter, TaskState } from './task.js';

const DEFAULT_LIMIT = 100;
/** Before a task that failed is tried again, in ms: doubled with each failure, up to the longest. */
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 30_000;

/** A task by the assignment that gave it to an agent. */
export interface TaskRef {
  readonly id: string;
  readonly assignment: string;
}

export interface TaskResult extends TaskRef {
  /** JSON, or sealed. */
  readonly result: string | null;
}

/** A task as the agent that has it is to carry it out. */
export interface BegunTask {
  readonly id: string;
  readonly attempt: number;
  readonly failures: number;
  readonly attempts: number;
  readonly onFailure: FailurePolicy;
  /** Of a stage: the run that it is part of. */
  readonly runId: string | null;
  /** Of a stage: what it returns is sealed, since the next stage's contract is sensitive. */
  readonly handsOnSealed: boolean;
  readonly tried: readonly string[];
  readonly deadline: Date;
  /** How long it is until the deadline, in ms. */
  readonly leftMs: number;
}

/** A task that has been settled just now, by this very call. */
export interface SettledTask {
  readonly id: string;
  readonly state: TaskState;
  readonly submitter: string;
}

/** A part as it is on record now. */
export interface WrittenPart {
  readonly id: string;
  /** Whether it was taken from an agent, to begin anew. */
  readonly isTaken: boolean;
  /** What has been cancelled below it. */
  readonly ended: readonly SettledTask[];
}

/** A part whose payload is sealed: no two seals of one payload are alike, and a seal is for one task. */
export interface SealedPart {
  /** Whether the payload that is on record is the part's own. */
  isPayload(sealed: string, id: string): Promise<boolean>;
  /** The part sealed for the task on record. */
  sealedFor(id: string): Promise<TaskDraft>;
}

/** How open tasks are ended by others than the agents that have them. */
export interface TaskEnd {
  readonly state: 'failed' | 'cancelled';
  readonly error: WireError;
}

/** What came of a task, so far. */
export interface TaskOutcome {
  readonly id: string;
  readonly state: TaskState;
  readonly parentId: string | null;
  /** JSON, or sealed. */
  readonly result: string | null;
  readonly error: WireError | null;
}

/** Runs statements: in a transaction, or each by itself. */
export interface Runner {
  query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

/** Tasks in the message store's database, as those see them who submit or do them. Everything rejects as `Database.query` does. */
export class TaskStore {
  private readonly tasks: string;

  constructor(private readonly database: Database) {
    this.tasks = `"${database.schema}".tasks`;
  }

  /**
   * Writes tasks down. One that is part of another is written only while that is open and, if the part says so, still with
   * the agent that makes it; its deadline is never later. A part that is there already is left as it is, but that whoever
   * made it last is who waits for it. Resolves with the ids on record, in the order given; undefined for a part that could
   * not be made.
   */
  async insert(drafts: readonly TaskDraft[], runner: Runner = this.database): Promise<(string | undefined)[]> {
    const ids = new Map((await this.write(drafts, runner)).map(({ place, id }) => [place, id]));
    return drafts.map((_, place) => ids.get(place));
  }

  /**
   * Writes a part down as {@link insert} does. One that is there already begins anew if it is of another payload, has come to
   * nothing, or waits for others than it is now for; what is below it is cancelled. Undefined for one that could not be made.
   */
  async insertPart(draft: TaskDraft, sealed?: SealedPart): Promise<WrittenPart | undefined> {
    const [row] = await this.write([draft], this.database);
    if (!row) return undefined;
    const { id, isStale, otherPayload } = row;
    const isOther = otherPayload !== null && !(await sealed?.isPayload(otherPayload, id));
    if (!isStale && !isOther) return { id, isTaken: false, ended: [] };
    return this.renew(id, sealed ? await sealed.sealedFor(id) : draft);
  }

  private async write(
    drafts: readonly TaskDraft[],
    runner: Runner,
  ): Promise<{ place: number; id: string; isStale: boolean; otherPayload: string | null }[]> {
    return runner.query(
      `WITH given AS (${GIVEN}), parents AS MATERIALIZED (
         SELECT id, assignment, deadline FROM ${this.tasks}
         WHERE id IN (SELECT parent_id FROM given) AND state IN ('assigned', 'running') FOR SHARE
       ), written AS (
         INSERT INTO ${this.tasks} (id, parent_id, key, type, version, payload, destination, strategy, affinity,
           priority, attempts, on_failure, state, submitter, cause_id, trace, due_at, deadline)
         SELECT g.id, g.parent_id, g.key, g.type, g.version, g.payload, g.destination, g.strategy, g.affinity,
           g.priority, g.attempts, g.on_failure, 'queued', g.submitter, g.cause_id, g.trace, now,
           LEAST(now + g.deadline_ms * interval '1 ms', p.deadline)
         FROM given g CROSS JOIN clock_timestamp() AS now LEFT JOIN parents p ON p.id = g.parent_id
         WHERE g.parent_id IS NULL OR (p.id IS NOT NULL AND (g.parent_assignment IS NULL OR g.parent_assignment = p.assignment))
         ON CONFLICT (parent_id, key) WHERE parent_id IS NOT NULL DO UPDATE SET submitter = excluded.submitter
         RETURNING id, parent_id, key, type, version, payload, destination, state
       )
       SELECT g.place, w.id, (w.type, w.version) <> (g.type, g.version)
         OR w.state IN ('failed', 'cancelled') OR (w.state = 'queued' AND w.destination <> g.destination) AS "isStale",
         nullif(w.payload, g.payload) AS "otherPayload"
       FROM written w JOIN given g ON coalesce(g.parent_id, g.id) = coalesce(w.parent_id, w.id)
         AND coalesce(g.key, '') = coalesce(w.key, '')`,
      [JSON.stringify(drafts.map(rowOf))],
    );
  }

  private async renew(id: string, draft: TaskDraft): Promise<WrittenPart | undefined> {
    const [part, ...ended] = await this.database.query<SettledTask & { readonly isTaken: boolean }>(
      `WITH RECURSIVE given AS (${GIVEN}), parent AS MATERIALIZED (
         SELECT p.id, p.deadline FROM ${this.tasks} p JOIN given g ON g.parent_id = p.id
         WHERE p.state IN ('assigned', 'running') AND (g.parent_assignment IS NULL OR g.parent_assignment = p.assignment)
         FOR SHARE OF p
       ), part AS MATERIALIZED (
         SELECT t.id, t.state, t.submitter FROM ${this.tasks} t JOIN parent ON parent.id = t.parent_id
         WHERE t.id = $2 FOR UPDATE OF t
       ), ${endBelow(this.tasks, 'part', '$3')}, anew AS (
         UPDATE ${this.tasks} t SET (type, version, payload, destination, strategy, affinity, priority, attempts, on_failure,
             submitter, due_at, deadline)
           = (g.type, g.version, g.payload, g.destination, g.strategy, g.affinity, g.priority, g.attempts, g.on_failure,
             g.submitter, now, LEAST(now + g.deadline_ms * interval '1 ms', parent.deadline)),
           state = 'queued', failures = 0, tried = '{}', agent_id = NULL, instance = NULL, assignment = NULL,
           started_at = NULL, finished_at = NULL, result = NULL, error = NULL
         FROM part CROSS JOIN parent CROSS JOIN given g CROSS JOIN clock_timestamp() AS now WHERE t.id = part.id
       )
       SELECT id, state, submitter, state = 'assigned' AS "isTaken" FROM part
       UNION ALL SELECT id, state, submitter, false FROM ended`,
      [JSON.stringify([rowOf(draft, 0)]), id, BEGINS_ANEW],
    );
    return part && { id, isTaken: part.isTaken, ended: ended.map(({ isTaken: _, ...task }) => task) };
  }

  /** Notes that the agent begins. Undefined: it is not, or no longer, what the assignment was for, or part of what is settled. In the order given. */
  async begin(refs: readonly TaskRef[], runner: Runner = this.database): Promise<(BegunTask | undefined)[]> {
    const rows = await runner.query<BegunTask & TaskRef>(
      `WITH held AS (
         SELECT t.id FROM ${this.tasks} t JOIN unnest($1::text[], $2::text[]) AS g (id, assignment) USING (id, assignment)
         WHERE t.state = 'assigned'
           AND NOT EXISTS (SELECT FROM ${this.tasks} whole WHERE whole.id = t.parent_id AND NOT whole.${OPEN})
         ORDER BY t.id FOR UPDATE OF t
       )
       UPDATE ${this.tasks} t SET started_at = clock_timestamp() FROM held WHERE t.id = held.id
       RETURNING t.id, t.assignment, attempt, failures, attempts, on_failure AS "onFailure", tried, deadline,
         CASE WHEN lane <> '' THEN parent_id END AS "runId",
         CASE WHEN lane <> '' THEN ${handsOnSealed(this.tasks, 't')} ELSE false END AS "handsOnSealed",
         extract(epoch FROM deadline - clock_timestamp())::float8 * 1000 AS "leftMs"`,
      [refs.map(({ id }) => id), refs.map(({ assignment }) => assignment)],
    );
    const begun = new Map(rows.map((row) => [row.assignment, row]));
    return refs.map(({ assignment }) => begun.get(assignment));
  }

  /** Which of these assignments are not to be carried out any more. */
  async lost(assignments: readonly string[]): Promise<string[]> {
    const rows = await this.database.query<{ assignment: string }>(
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
  async complete(results: readonly TaskResult[], runner?: Runner): Promise<SettledTask[][]> {
    return this.settle('completed', results, null, runner);
  }

  /** Records that the attempt has failed: the task is queued again, due a little later, or has failed for good. Fenced likewise. */
  async fail(id: string, assignment: string, error: WireError, runner: Runner = this.database): Promise<SettledTask[]> {
    const [again] = await runner.query<{ id: string }>(
      `UPDATE ${this.tasks} SET state = 'queued', failures = failures + 1, tried = array_append(tried, agent_id),
         instance = NULL, assignment = NULL, started_at = NULL, error = $3,
         due_at = clock_timestamp() + LEAST($5, $4 * 2 ^ failures) * interval '1 ms'
       WHERE id = $1 AND assignment = $2 AND state = 'assigned' AND $6 AND failures + 1 < attempts
       RETURNING id`,
      [id, assignment, error, FIRST_RETRY_MS, LONGEST_RETRY_MS, error.retryable],
    );
    if (again) return [];
    const [settled = []] = await this.settle('failed', [{ id, assignment, result: null }], error, runner);
    return settled;
  }

  /** Gives a task back that was not carried out: it is queued again, which counts as no failure. */
  async release(id: string, assignment: string): Promise<void> {
    await this.database.query(
      `UPDATE ${this.tasks} SET state = 'queued', instance = NULL, assignment = NULL, started_at = NULL
       WHERE id = $1 AND assignment = $2 AND state = 'assigned'`,
      [id, assignment],
    );
  }

  /**
   * Ends tasks as failed or cancelled, and cancels what is below them, as far as it is open; of a stage, its run. With `fence`, only while that
   * task is with that agent: who has taken it over may be waiting for the same parts. Resolves with what has ended by this;
   * nothing below begins afterwards.
   */
  async end(ids: readonly string[], how: TaskEnd, fence?: TaskRef): Promise<SettledTask[]> {
    const ended = await this.endTrees(ids, how, fence);
    // parts that were being made meanwhile
    const below: TaskEnd = how.state === 'cancelled' ? how : { state: 'cancelled', error: WHOLE_SETTLED };
    for (let last = ended; last.length > 0; ended.push(...last)) {
      const parts = await this.database.query<{ id: string }>(
        `SELECT id FROM ${this.tasks} WHERE parent_id = ANY($1) AND ${OPEN}`,
        [last.map(({ id }) => id)],
      );
      last =
        parts.length > 0
          ? await this.endTrees(
              parts.map(({ id }) => id),
              below,
            )
          : [];
    }
    return ended;
  }

  private async endTrees(ids: readonly string[], { state, error }: TaskEnd, fence?: TaskRef): Promise<SettledTask[]> {
    return this.database.query<SettledTask>(
      `WITH RECURSIVE fence AS MATERIALIZED (
         SELECT id FROM ${this.tasks} WHERE id = $4 AND assignment = $5 AND state = 'assigned' FOR SHARE
       ), top AS (
         SELECT coalesce(run.id, t.id) AS id FROM ${this.tasks} t
         LEFT JOIN ${this.tasks} run ON run.id = t.parent_id AND run.state = 'running'
         WHERE t.id = ANY($1) AND t.${OPEN} AND ($4::text IS NULL OR EXISTS (SELECT FROM fence))
       ), tree AS (
         SELECT id FROM top
         UNION
         SELECT t.id FROM ${this.tasks} t JOIN tree ON t.parent_id = tree.id WHERE t.${OPEN}
       ), held AS (
         SELECT id FROM ${this.tasks} WHERE id IN (SELECT id FROM tree) ORDER BY id FOR UPDATE
       )
       UPDATE ${this.tasks} t SET assignment = NULL, finished_at = clock_timestamp(),
         state = CASE WHEN t.id IN (SELECT id FROM top) THEN $2 ELSE 'cancelled' END,
         error = CASE WHEN t.id IN (SELECT id FROM top) OR $2 = 'cancelled' THEN $3::json ELSE $6::json END
       FROM held WHERE t.id = held.id AND t.${OPEN}
       RETURNING t.id, t.state, t.submitter`,
      [ids, state, error, fence?.id ?? null, fence?.assignment ?? null, WHOLE_SETTLED],
    );
  }

  /** What has come of these so far; those that are not on record are left out. */
  async outcomes(ids: readonly string[]): Promise<TaskOutcome[]> {
    return this.database.query<TaskOutcome>(
      `SELECT id, parent_id AS "parentId", state, result, error FROM ${this.tasks} WHERE id = ANY($1)`,
      [ids],
    );
  }

  async find(id: string): Promise<(Task & { readonly result: string | null }) | undefined> {
    const [row] = await this.database.query<Task & { readonly result: string | null }>(
      `SELECT ${COLUMNS}, result FROM ${this.tasks} WHERE id = $1`,
      [id],
    );
    return row;
  }

  async list({ state, parentId, limit = DEFAULT_LIMIT, after = '' }: TaskFilter): Promise<Task[]> {
    return this.database.query<Task>(
      `SELECT ${COLUMNS} FROM ${this.tasks}
       WHERE id > $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR parent_id = $3) ORDER BY id LIMIT $4`,
      [after, state ?? null, parentId ?? null, limit],
    );
  }

  /** The agents of a task and of those that it is a part of, from the top. */
  async path(id: string): Promise<string[]> {
    const rows = await this.database.query<{ agentId: string | null }>(
      `WITH RECURSIVE up AS (
         SELECT id, parent_id, agent_id, 0 AS height FROM ${this.tasks} WHERE id = $1
         UNION ALL
         SELECT t.id, t.parent_id, t.agent_id, up.height + 1 FROM ${this.tasks} t JOIN up ON t.id = up.parent_id
       )
       SELECT agent_id AS "agentId" FROM up ORDER BY height DESC`,
      [id],
    );
    return rows.flatMap(({ agentId }) => agentId ?? []);
  }

  /**
   * A stage of a pipeline takes the run with it: the next one is there with its result, or the run has ended. Rows are locked
   * in the order of ids, as by others who take several: runs before their stages.
   */
  private async settle(
    state: 'completed' | 'failed',
    results: readonly TaskResult[],
    error: WireError | null,
    runner: Runner = this.database,
  ): Promise<SettledTask[][]> {
    const rows = await runner.query<SettledTask & { readonly by: string }>(
      `WITH RECURSIVE given AS (
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $8::text[]) AS g (id, assignment, result, stage_id)
       ), run AS MATERIALIZED (
         SELECT * FROM ${this.tasks} WHERE state = 'running'
           AND id IN (SELECT t.parent_id FROM ${this.tasks} t JOIN given USING (id, assignment))
         ORDER BY id FOR UPDATE
       ), held AS (
         SELECT t.id, given.result, given.assignment, given.stage_id FROM ${this.tasks} t JOIN given USING (id, assignment)
         WHERE t.state = 'assigned' AND (SELECT count(*) FROM run) >= 0 ORDER BY t.id FOR UPDATE OF t
       ), done AS (
         UPDATE ${this.tasks} t SET state = $4, result = held.result, error = $5, failures = failures + $6,
           assignment = NULL, finished_at = clock_timestamp()
         FROM held WHERE t.id = held.id
         RETURNING t.id, t.state, t.submitter, t.parent_id, t.key, t.result, t.error, held.assignment, held.stage_id
       ), step AS (
         SELECT parent_id AS run_id, key AS after, stage_id, coalesce(result, '{}') AS payload, assignment AS cause_id
         FROM done WHERE state = 'completed'
       ), next AS (${insertNextStages(this.tasks)}), run_ended AS (
         UPDATE ${this.tasks} t SET state = done.state, result = done.result, finished_at = clock_timestamp(),
           error = CASE WHEN done.state = 'failed' THEN ${errorOfRun('done')} END
         FROM done JOIN run ON run.id = done.parent_id
         WHERE t.id = run.id AND run.id NOT IN (SELECT parent_id FROM next)
         RETURNING t.id, t.state, t.submitter, done.id AS by
       ), ${endBelow(this.tasks, 'done', '$7')}
       SELECT id, state, submitter, id AS by FROM done
       UNION ALL SELECT * FROM run_ended
       UNION ALL SELECT ended.id, state, submitter, (SELECT by FROM below WHERE id = ended.id LIMIT 1) FROM ended`,
      [
        results.map(({ id }) => id),
        results.map(({ assignment }) => assignment),
        results.map(({ result }) => result),
        state,
        error,
        state === 'failed' ? 1 : 0,
        WHOLE_SETTLED,
        results.map(() => newMessageId()),
      ],
    );
    return results.map(({ id }) => rows.flatMap(({ by, ...settled }) => (by === id ? [settled] : [])));
  }
}

export const OPEN = `state IN ('queued', 'assigned', 'running')`;

/** In characters. */
const MOST_OF_A_REASON = 1_000;

export const cancelledBy = (reason: string): WireError => ({
  name: 'TaskCancelledError',
  code: 'TASK_CANCELLED',
  message: shortened(reason, MOST_OF_A_REASON),
  retryable: false,
});

/** What cancels the parts of what is settled. */
export const WHOLE_SETTLED = cancelledBy('what it was a part of is settled');
const BEGINS_ANEW = cancelledBy('what it was a part of begins anew');

/** Of a recursive statement that has the ids of tasks in `of`: cancels what is open below them. `error`: its parameter. */
const endBelow = (tasks: string, of: string, error: string): string =>
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
