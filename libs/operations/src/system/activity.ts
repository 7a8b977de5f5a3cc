import type { Database } from 'agentmq/database';

/** The newest messages, and the newest hops, that are looked at: so many, whatever the history and however busy the system. */
export const SAMPLE = 5_000;
/** Deliveries of these messages that are looked at: a broadcast has one for each agent. */
const MOST_DELIVERIES = 20_000;
/** Senders, recipients and types that are told apart. */
const MOST_GROUPS = 1_000;

/** Messages of one type from one sender to one recipient. */
export interface SentMessages {
  readonly sender: string;
  readonly kind: 'role' | 'agent' | 'topic' | 'broadcast';
  readonly recipient: string;
  readonly type: string;
  readonly count: number;
}

/** What a consumer has settled of them. */
export interface SettledMessages extends Omit<SentMessages, 'count'> {
  readonly consumer: string;
  readonly completed: number;
  readonly dead: number;
}

/** Messages that are not stored, requests and tasks, as agents have received them: of recorded traces only. */
export interface ReceivedCalls {
  readonly sender: string;
  /** The agent that received them. */
  readonly agent: string;
  readonly consumer: string | null;
  readonly type: string;
  readonly count: number;
  readonly failed: number;
}

/** What happened lately, of one moment. */
export interface Activity {
  readonly at: Date;
  /** The times that rates are of, in s: the windows asked for, or less when the sample does not reach as far back. */
  readonly paceSeconds: number;
  readonly flowSeconds: number;
  /** In the first window. */
  readonly stored: number;
  readonly owed: number;
  readonly completed: number;
  readonly dead: number;
  /** p50 and p95 in ms, of what was completed; null when nothing was. */
  readonly latency: readonly [number, number] | null;
  /** When the newest message was stored, and the newest delivery settled: texts that differ when something has changed. */
  readonly newest: string | null;
  readonly settled: string | null;
  /** In the second window. */
  readonly sent: readonly SentMessages[];
  readonly handled: readonly SettledMessages[];
  readonly calls: readonly ReceivedCalls[];
}

/**
 * Reads what happened lately from the newest {@link SAMPLE} messages of the last ten minutes, so that it costs the same whatever
 * the history. What is settled long after it was stored, behind more messages than that, is not seen.
 */
export class ActivityReader {
  private readonly statement: string;

  constructor(private readonly database: Database) {
    this.statement = activity(database.schema);
  }

  /** `pace`, `flow`: the windows, in s. Rejects as `Database.ownQuery` does. */
  async read(pace: number, flow: number): Promise<Activity> {
    const [row] = await this.database.ownQuery<Activity>(this.statement, [pace, flow]);
    return row as Activity;
  }
}

const groups = (from: string): string => `(SELECT coalesce(json_agg(g), '[]') FROM (${from} LIMIT ${MOST_GROUPS}) g)`;

/** OFFSET keeps the planner from reading all deliveries: each message's are looked up. */
const activity = (schema: string): string => `
WITH recent AS MATERIALIZED (
  SELECT message_id, sender, recipient_kind AS kind, recipient, type, stored_at, greatest(stored_at, deliver_at) AS since
  FROM "${schema}".messages
  WHERE stored_at > statement_timestamp() - interval '10 minutes'
  ORDER BY stored_at DESC LIMIT ${SAMPLE}
), reach AS MATERIALIZED (
  SELECT statement_timestamp() AS at, greatest(statement_timestamp() - $1::float8 * interval '1 second', full_from) AS pace_from,
    greatest(statement_timestamp() - $2::float8 * interval '1 second', full_from) AS flow_from
  FROM (SELECT CASE WHEN count(*) = ${SAMPLE} THEN min(stored_at) END AS full_from FROM recent) AS sample
), owed AS MATERIALIZED (
  SELECT r.sender, r.kind, r.recipient, r.type, r.stored_at, r.since, d.consumer, d.state, d.finished_at
  FROM recent r CROSS JOIN LATERAL (
    SELECT consumer, state, finished_at FROM "${schema}".deliveries d WHERE d.message_id = r.message_id OFFSET 0
  ) AS d
  LIMIT ${MOST_DELIVERIES}
), hop AS MATERIALIZED (
  SELECT side, kind, sender, agent_id, consumer, type, outcome, recorded_at FROM "${schema}".hops ORDER BY id DESC LIMIT ${SAMPLE}
)
SELECT at,
  greatest(extract(epoch FROM at - pace_from), 0.1)::float8 AS "paceSeconds",
  greatest(extract(epoch FROM at - flow_from), 0.1)::float8 AS "flowSeconds",
  (SELECT count(*) FROM recent WHERE stored_at > pace_from)::float8 AS stored,
  (SELECT count(*) FROM owed WHERE stored_at > pace_from)::float8 AS owed,
  done.completed, done.dead, done.latency,
  (SELECT max(stored_at)::text FROM recent) AS newest,
  (SELECT max(finished_at)::text FROM owed) AS settled,
  ${groups(`
    SELECT sender, kind, recipient, type, count(*)::integer AS count FROM recent WHERE stored_at > flow_from
    GROUP BY sender, kind, recipient, type ORDER BY count DESC`)} AS sent,
  ${groups(`
    SELECT sender, kind, recipient, consumer, type,
      (count(*) FILTER (WHERE state = 'completed'))::integer AS completed, (count(*) FILTER (WHERE state = 'dead'))::integer AS dead
    FROM owed WHERE finished_at > flow_from
    GROUP BY sender, kind, recipient, consumer, type ORDER BY count(*) DESC`)} AS handled,
  ${groups(`
    SELECT sender, agent_id AS agent, consumer, type,
      (count(*) FILTER (WHERE kind <> 'task' OR outcome = 'handling'))::integer AS count,
      (count(*) FILTER (WHERE outcome = 'failed'))::integer AS failed
    FROM hop WHERE side = 'received' AND kind <> 'reply' AND sender IS NOT NULL AND recorded_at > flow_from
    GROUP BY sender, agent_id, consumer, type ORDER BY count(*) DESC`)} AS calls
FROM reach CROSS JOIN LATERAL (
  SELECT (count(*) FILTER (WHERE state = 'completed'))::float8 AS completed, (count(*) FILTER (WHERE state = 'dead'))::float8 AS dead,
    (percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM finished_at - since), 0)::float8 * 1000)
      FILTER (WHERE state = 'completed')) AS latency
  FROM owed WHERE finished_at > pace_from
) AS done`;
