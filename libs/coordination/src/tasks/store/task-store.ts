import type { WireError } from 'agentmq/protocol';
import type { Database } from 'agentmq/database';
import type { TaskDraft } from '../draft.js';
import { GIVEN, rowOf } from './draft-row.js';
import { cancelledBy, type SettledTask, type TaskRef, WHOLE_SETTLED } from './settled.js';
import { COLUMNS, endBelow, OPEN, type Runner } from './sql-parts.js';
import type { Task, TaskBacklog, TaskFilter, TaskState } from '../task.js';

const DEFAULT_LIMIT = 100;

const BEGINS_ANEW = cancelledBy('what it was a part of begins anew');

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

/** Tasks as they are submitted, ended and read. Everything rejects as `Database.query` does. */
export class TaskStore {
  private readonly tasks: string;

  constructor(private readonly database: Database) {
    this.tasks = `"${database.schema}".tasks`;
  }

  /**
   * Writes tasks down. One that is part of another is written only while that is open and, if the part says so, still with
   * the agent that makes it; its deadline is never later. A part that is there already is left as it is, but for
   * its submitter: the agent that made it last waits for it. Resolves with the ids on record, in the order given; undefined for a part that could
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

  /**
   * Ends tasks as failed or cancelled, and cancels what is below them, as far as it is open; of a stage, its run. With `fence`, only while that
   * task is with that agent: the agent that has taken it over may be waiting for the same parts. Resolves with what has ended by this;
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

  /** How much there is to do, of each destination with queued or assigned tasks. */
  backlog(): Promise<TaskBacklog[]> {
    return this.database.query<TaskBacklog>(
      `SELECT destination, count(*) FILTER (WHERE state = 'queued')::integer AS queued,
         count(*) FILTER (WHERE state = 'assigned')::integer AS assigned
       FROM ${this.tasks} WHERE state IN ('queued', 'assigned') GROUP BY destination ORDER BY destination`,
    );
  }
}
