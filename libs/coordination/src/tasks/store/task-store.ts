import { Injectable } from '@nestjs/common';
import type { WireError } from 'agentmq/protocol';
import { Database, prepared, type PreparedStatement, texts, type Transaction } from 'agentmq/database';
import type { TaskDraft } from '../draft.js';
import { IdempotencyKeyReusedError } from '../errors.js';
import { GIVEN, givenOf, rowOf } from './draft-row.js';
import { cancelledBy, type SettledTask, type TaskRef, WHOLE_SETTLED } from './settled.js';
import { COLUMNS, endBelow, OPEN, withAttemptIfAny } from './sql-parts.js';
import type { TaskRow } from '../result.js';
import type { TaskAttempt, TaskBacklog, TaskFilter, TaskRecord, TaskState } from '../task.js';

const DEFAULT_LIMIT = 100;

/** What a task is to be, by the field of the filter. */
const CONDITIONS: readonly (readonly [
  Exclude<keyof TaskFilter, 'state' | 'limit' | 'after' | 'newestFirst'>,
  string,
])[] = [
  ['type', 'type ='],
  ['agentId', 'agent_id ='],
  ['parentId', 'parent_id ='],
  ['createdAfter', 'created_at >'],
  ['createdBefore', 'created_at <'],
];

/** What a filter by the state `running` finds. */
const RUNNING = [`state = 'assigned' AND started_at IS NOT NULL`, `state = 'running'`] as const;

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

/** A payload that is on record, JSON or sealed. */
export interface RecordedPayload {
  readonly id: string;
  readonly version: number;
  readonly payload: string;
}

interface WrittenRow {
  readonly place: number;
  readonly id: string;
  readonly version: number;
  readonly isOtherType: boolean;
  /** The one on record, where it is not the text of the draft. */
  readonly otherPayload: string | null;
  /** Of a part that was there: it is to begin anew, whatever its payload. */
  readonly isStale: boolean;
}

/** What a draft is written as. */
type Kind = 'task' | 'keyed' | 'part';

/** By what a draft is the same as a task that is on record. */
const IDENTITIES: Readonly<Record<Kind, { readonly conflict: string; readonly same: string }>> = {
  task: { conflict: '(id)', same: 'w.id = g.id' },
  keyed: {
    conflict: '(idempotency_key) WHERE idempotency_key IS NOT NULL',
    same: 'w.idempotency_key = g.idempotency_key',
  },
  part: {
    conflict: '(parent_id, key) WHERE parent_id IS NOT NULL',
    same: '(w.parent_id, w.key) = (g.parent_id, g.key)',
  },
};

/** Drafts of one call are of one kind. */
const kindOf = ([first]: readonly TaskDraft[]): Kind =>
  first?.part ? 'part' : first?.idempotencyKey === undefined ? 'task' : 'keyed';

/** How open tasks are ended by others than the agents that have them. */
export interface TaskEnd {
  readonly state: 'failed' | 'cancelled';
  readonly error: WireError;
}

/** What an agent tells of its progress with a task. */
export interface ProgressReport extends TaskRef {
  /** JSON. */
  readonly progress: string;
  /** When, in ms since 1970. */
  readonly at: number;
}

/** What came of the wish to try a task again. */
export interface RetriedTask {
  readonly isQueued: boolean;
  /** The task that it is, by whatever number of steps, a part of; the task itself if of none. */
  readonly whole: string;
  /** The whole is a run of a pipeline. */
  readonly isRun: boolean;
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

/** Tasks as they are submitted, ended and read. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class TaskStore {
  private readonly tasks: string;
  private readonly writing: Readonly<Record<Kind, PreparedStatement>>;
  private readonly coming: PreparedStatement;

  constructor(readonly database: Database) {
    this.tasks = `"${database.schema}".tasks`;
    const writing = (kind: Kind) => prepared(`tasks.write.${kind}`, writingOf(this.tasks, kind));
    this.writing = { task: writing('task'), keyed: writing('keyed'), part: writing('part') };
    this.coming = prepared(
      'tasks.outcomes',
      `SELECT id, parent_id AS "parentId", state, result, error FROM ${this.tasks} WHERE id = ANY($1)`,
    );
  }

  /**
   * Writes tasks down, all or none. One that is part of another is written only while that is open and, if the part says so,
   * still with the agent that makes it; its deadline is never later. What is on record already, by its id, its idempotency key
   * or as the same part, is left as it is, but for its submitter: the agent that submitted it last waits for it. Resolves with
   * the ids on record, in the order given; undefined for a part that could not be made. Rejects with
   * {@link IdempotencyKeyReusedError}; in a transaction, which is then to be rolled back.
   */
  async insert(
    drafts: readonly TaskDraft[],
    transaction?: Transaction,
    /** Whether a payload on record is that of the draft at this place, though written otherwise. */
    isPayload: (recorded: RecordedPayload, place: number) => Promise<boolean> = () => Promise.resolve(false),
  ): Promise<(string | undefined)[]> {
    const statements = givenOf(drafts, this.database.statementBytes);
    const kind = kindOf(drafts);
    const ids = new Map<number, string>();
    const insert = async (inner?: Transaction): Promise<void> => {
      for (const given of statements) {
        for (const { place, otherPayload, isOtherType, ...row } of await this.write(given, kind, inner)) {
          const key = drafts[place]?.idempotencyKey;
          const isOther = async (payload: string): Promise<boolean> => !(await isPayload({ ...row, payload }, place));
          if (key !== undefined && (isOtherType || (otherPayload !== null && (await isOther(otherPayload)))))
            throw new IdempotencyKeyReusedError(key);
          ids.set(place, row.id);
        }
      }
    };
    const isOneStatement = statements.length <= 1 && (drafts.length === 1 || kind !== 'keyed');
    if (transaction || isOneStatement) await insert(transaction);
    else await this.database.ownTransaction(insert, { inTurn: true });
    return drafts.map((_, place) => ids.get(place));
  }

  /**
   * Writes a part down as {@link insert} does. One that is there already begins anew if it is of another payload, has come to
   * nothing, or waits for others than it is now for; what is below it is cancelled. Undefined for one that could not be made.
   */
  async insertPart(draft: TaskDraft, sealed?: SealedPart): Promise<WrittenPart | undefined> {
    const [row] = await this.write(JSON.stringify([rowOf(draft, 0)]), 'part');
    if (!row) return undefined;
    const { id, isStale, otherPayload } = row;
    const isOther = otherPayload !== null && !(await sealed?.isPayload(otherPayload, id));
    if (!isStale && !isOther) return { id, isTaken: false, ended: [] };
    return this.renew(id, sealed ? await sealed.sealedFor(id) : draft);
  }

  private write(given: string, kind: Kind, transaction?: Transaction): Promise<WrittenRow[]> {
    return this.database.ownQuery<WrittenRow>(this.writing[kind], [given], transaction);
  }

  private async renew(id: string, draft: TaskDraft): Promise<WrittenPart | undefined> {
    const [part, ...ended] = await this.database.ownQuery<SettledTask & { readonly isTaken: boolean }>(
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
           state = 'queued', failures = 0, tried = '{}', history = '{}', agent_id = NULL, instance = NULL, assignment = NULL,
           started_at = NULL, finished_at = NULL, result = NULL, error = NULL, progress = NULL,
           progress_at = NULL
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
      const parts = await this.database.ownQuery<{ id: string }>(
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
    return this.database.ownQuery<SettledTask>(
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
       UPDATE ${this.tasks} t SET history = ${withAttemptIfAny('$2::text', '$3::json')}, assignment = NULL, finished_at = clock_timestamp(),
         state = CASE WHEN t.id IN (SELECT id FROM top) THEN $2 ELSE 'cancelled' END,
         error = CASE WHEN t.id IN (SELECT id FROM top) OR $2 = 'cancelled' THEN $3::json ELSE $6::json END
       FROM held WHERE t.id = held.id AND t.${OPEN}
       RETURNING t.id, t.state, t.submitter`,
      [ids, state, error, fence?.id ?? null, fence?.assignment ?? null, WHOLE_SETTLED],
    );
  }

  /** What has come of these tasks so far; one that is not on record is left out. */
  async outcomes(ids: readonly string[]): Promise<TaskOutcome[]> {
    return this.database.ownQuery<TaskOutcome>(this.coming, [texts(ids)]);
  }

  /** In no order; tasks that are not on record are left out. */
  findAll(ids: readonly string[]): Promise<TaskRow[]> {
    return this.database.ownQuery<TaskRow>(
      `SELECT ${COLUMNS}, result, progress, progress_at AS "progressAt" FROM ${this.tasks} WHERE id = ANY($1)`,
      [ids],
    );
  }

  /** Notes how far agents are, with tasks that are theirs: one report of each task. A row that is being written is left as it is. */
  async report(reports: readonly ProgressReport[]): Promise<void> {
    await this.database.ownQuery(
      `WITH held AS (
         SELECT t.id, g.progress, g.at FROM ${this.tasks} t
         JOIN unnest($1::text[], $2::text[], $3::text[], $4::float8[]) AS g (id, assignment, progress, at) USING (id, assignment)
         WHERE t.state = 'assigned' ORDER BY t.id FOR UPDATE OF t SKIP LOCKED
       )
       UPDATE ${this.tasks} t SET progress = held.progress::json, progress_at = to_timestamp(held.at / 1000)
       FROM held WHERE t.id = held.id`,
      [
        reports.map(({ id }) => id),
        reports.map(({ assignment }) => assignment),
        reports.map(({ progress }) => progress),
        reports.map(({ at }) => at),
      ],
    );
  }

  /** By id. What is open and what is settled have indexes of their own, and so has what is assigned and what is a run. */
  list({ state, limit = DEFAULT_LIMIT, after, newestFirst = false, ...filter }: TaskFilter): Promise<TaskRecord[]> {
    const given: { readonly condition: string; readonly value: unknown }[] = CONDITIONS.flatMap(([field, condition]) =>
      filter[field] === undefined ? [] : [{ condition, value: filter[field] }],
    );
    if (state !== undefined && state !== 'running') given.push({ condition: 'state =', value: state });
    if (after !== undefined) given.push({ condition: newestFirst ? 'id <' : 'id >', value: after });
    const conditions = given.map(({ condition }, place) => `AND ${condition} $${place + 2}`).join(' ');
    const order = newestFirst ? 'id DESC' : 'id';
    const first = (which: string): string =>
      `(SELECT id FROM ${this.tasks} WHERE ${which} ${conditions} ORDER BY ${order} LIMIT $1)`;
    const parts = state === 'running' ? RUNNING : [OPEN, 'finished_at IS NOT NULL'];
    return this.database.ownQuery<TaskRecord>(
      `SELECT ${COLUMNS} FROM ${this.tasks} WHERE id IN (${parts.map(first).join(' UNION ALL ')})
       ORDER BY ${order} LIMIT $1`,
      [limit, ...given.map(({ value }) => value)],
    );
  }

  /** A task and what is below it, from the top: so many levels at most, and so many tasks. */
  tree(id: string, levels: number, most: number): Promise<TaskRecord[]> {
    return this.database.ownQuery<TaskRecord>(
      `WITH RECURSIVE tree AS (
         SELECT id, 0 AS level FROM ${this.tasks} WHERE id = $1
         UNION ALL
         SELECT t.id, tree.level + 1 FROM ${this.tasks} t JOIN tree ON t.parent_id = tree.id WHERE tree.level < $2
       ), shown AS MATERIALIZED (SELECT id, level FROM tree LIMIT $3)
       SELECT ${COLUMNS} FROM ${this.tasks} WHERE id IN (SELECT id FROM shown)
       ORDER BY (SELECT level FROM shown WHERE shown.id = tasks.id), id`,
      [id, levels, most],
    );
  }

  /**
   * Queues a task anew that has failed or was cancelled, with as much time as it had at first: not a part of another, nor a run of a
   * pipeline. Undefined for one that is not on record.
   */
  async retry(id: string, transaction?: Transaction): Promise<RetriedTask | undefined> {
    const [row] = await this.database.ownQuery<RetriedTask>(
      `WITH RECURSIVE again AS (
         UPDATE ${this.tasks} SET state = 'queued', failures = 0, tried = '{}', agent_id = NULL, instance = NULL,
           started_at = NULL, finished_at = NULL, error = NULL, progress = NULL, progress_at = NULL,
           due_at = now, retried_at = now, deadline = now + (deadline - coalesce(retried_at, created_at))
         FROM clock_timestamp() AS now
         WHERE id = $1 AND state IN ('failed', 'cancelled') AND parent_id IS NULL AND stages IS NULL
         RETURNING id
       ), up AS (
         SELECT id, parent_id, stages, 0 AS height FROM ${this.tasks} WHERE id = $1
         UNION ALL
         SELECT t.id, t.parent_id, t.stages, up.height + 1 FROM ${this.tasks} t JOIN up ON t.id = up.parent_id
       )
       SELECT EXISTS (SELECT FROM again) AS "isQueued", id AS whole, stages IS NOT NULL AS "isRun"
       FROM up ORDER BY height DESC LIMIT 1`,
      [id],
      transaction,
    );
    return row;
  }

  /** Oldest first: what its history has, and what its row tells of the latest. */
  async attempts(id: string): Promise<TaskAttempt[]> {
    return this.database.ownQuery<TaskAttempt>(
      `SELECT a.* FROM ${this.tasks} t CROSS JOIN LATERAL (
         SELECT * FROM json_to_recordset(array_to_json(t.history)) AS ended (attempt integer, "agentId" text,
           "assignedAt" timestamptz, "startedAt" timestamptz, "endedAt" timestamptz, outcome text, error json)
         UNION ALL
         SELECT t.attempt, t.agent_id, t.assigned_at, t.started_at, t.finished_at, nullif(t.state, 'assigned'), NULL
         WHERE t.state IN ('assigned', 'completed') AND t.attempt > 0
       ) a WHERE t.id = $1 ORDER BY a.attempt`,
      [id],
    );
  }

  async countParts(id: string): Promise<number> {
    const [row] = await this.database.ownQuery<{ count: number }>(
      `SELECT count(*)::integer AS count FROM ${this.tasks} WHERE parent_id = $1`,
      [id],
    );
    return row?.count ?? 0;
  }

  /** The agents of a task and of the tasks that it is a part of, from the top. */
  async path(id: string): Promise<string[]> {
    const rows = await this.database.ownQuery<{ agentId: string | null }>(
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
    return this.database.ownQuery<TaskBacklog>(
      `SELECT destination, count(*) FILTER (WHERE state = 'queued')::integer AS queued,
         count(*) FILTER (WHERE state = 'assigned')::integer AS assigned
       FROM ${this.tasks} WHERE state IN ('queued', 'assigned') GROUP BY destination ORDER BY destination`,
    );
  }
}

function writingOf(tasks: string, kind: Kind): string {
  const { conflict, same } = IDENTITIES[kind];
  return `WITH given AS (${GIVEN}), parents AS MATERIALIZED (
         SELECT id, assignment, deadline FROM ${tasks}
         WHERE id IN (SELECT parent_id FROM given) AND state IN ('assigned', 'running') FOR SHARE
       ), written AS (
         INSERT INTO ${tasks} AS t (id, parent_id, key, idempotency_key, type, version, payload, destination, strategy,
           affinity, priority, attempts, on_failure, state, submitter, cause_id, trace, due_at, deadline)
         SELECT g.id, g.parent_id, g.key, g.idempotency_key, g.type, g.version, g.payload, g.destination, g.strategy,
           g.affinity, g.priority, g.attempts, g.on_failure, 'queued', g.submitter, g.cause_id, g.trace, now,
           LEAST(now + g.deadline_ms * interval '1 ms', p.deadline)
         FROM given g CROSS JOIN clock_timestamp() AS now LEFT JOIN parents p ON p.id = g.parent_id
         WHERE g.parent_id IS NULL OR (p.id IS NOT NULL AND (g.parent_assignment IS NULL OR g.parent_assignment = p.assignment))
         ORDER BY g.place
         ON CONFLICT ${conflict} DO UPDATE SET submitter = excluded.submitter
         RETURNING t.id, t.parent_id, t.key, t.idempotency_key, t.type, t.version, t.payload, t.destination, t.state
       )
       SELECT g.place, w.id, w.version, w.type <> g.type AS "isOtherType", nullif(w.payload, g.payload) AS "otherPayload",
         (w.type, w.version) <> (g.type, g.version) OR w.state IN ('failed', 'cancelled')
           OR (w.state = 'queued' AND w.destination <> g.destination) AS "isStale"
       FROM written w JOIN given g ON ${same}`;
}
