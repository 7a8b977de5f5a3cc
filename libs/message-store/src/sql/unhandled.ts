import { HEADER } from 'agentmq/protocol';
import { rolesOf } from './agents.js';
import { isFree, withFailedAttempt } from './failed-attempts.js';

/** Agents that have been heard of in the last `milliseconds` and have not left. */
export const live = (milliseconds: string): string =>
  `NOT g.stopped AND g.heartbeat_at > statement_timestamp() - ${milliseconds} * interval '1 millisecond'`;

/**
 * Which live instances have a handler, and for what: one row for each of the `consumers` (its roles, the agent itself),
 * contract, and topic pattern. `expression` is null for what is sent to the consumer itself.
 */
const able = (schema: string, liveMs: string, consumers: string): string => `able AS MATERIALIZED (
  SELECT c.consumer, g.id AS agent, EXISTS (SELECT FROM "${schema}".pauses p WHERE p.target = 'agent.' || g.id) AS paused, h.type, h.version, s.expression
  FROM "${schema}".agents g
  CROSS JOIN LATERAL json_to_recordset(g.handles) AS h (type text, version bigint, topic text, scope text, role text)
  CROSS JOIN LATERAL (
    SELECT 'role.' || r.role, 'role' FROM unnest(${rolesOf('g')}) AS r (role) WHERE h.role IS NULL OR h.role = r.role
    UNION ALL SELECT 'agent.' || g.id, 'instance'
  ) AS c (consumer, scope)
  LEFT JOIN "${schema}".subscriptions s ON s.consumer = c.consumer AND s.pattern = h.topic
  WHERE ${live(liveMs)} AND g.handles_of = g.instance
    AND c.consumer = ANY (${consumers}::text[])
    AND (
      'agent.' || g.id = ANY (${consumers}::text[])
      OR EXISTS (SELECT FROM unnest(${rolesOf('g')}) AS r (role) WHERE 'role.' || r.role = ANY (${consumers}::text[]))
    )
    AND (h.topic IS NULL OR h.scope = c.scope AND s.expression IS NOT NULL)
)`;

/** Whether the instance of `able` handles messages of the type and version of `m`, published to `topic`, at `consumer`. */
const handles = (m: string, topic: string, consumer: string): string => `
  able.consumer = ${consumer} AND able.type = ${m}.type AND able.version = ${m}.version
  AND CASE WHEN ${topic} IS NULL THEN able.expression IS NULL ELSE (${topic} || '.') ~ able.expression END`;

/** One of the instances at random, one that is not paused if there is any; `$6` is the agent that asks. */
const another = (m: string, topic: string, consumer: string): string => `(
      SELECT able.agent FROM able
      WHERE able.agent <> $6 AND ${handles(m, topic, consumer)}
      ORDER BY able.paused, random() LIMIT 1
    )`;

const message = (schema: string, id: string): string => `LATERAL (
    SELECT m.type, m.version, m.expires_at FROM "${schema}".messages m WHERE m.message_id = ${id} OFFSET 0
  ) AS m`;

/**
 * Finds another instance that handles messages which are not stored: `$1` types, `$2` versions, `$3` topics (null for
 * what was sent to the consumer itself), `$4` consumers, `$5` how long a live agent may have been silent, in ms.
 */
export const elsewhere = (schema: string): string => `
WITH ${able(schema, '$5', '$4')}
SELECT ${another('a', 'a.topic', 'a.consumer')} AS agent
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
  WITH ORDINALITY AS a (type, version, topic, consumer, ord)
ORDER BY a.ord`;

/**
 * Decides about deliveries (`$1` messages, `$2` consumers, `$3` topics, `$4` errors) that an instance has no handler for.
 * `$5` are those that another instance has passed on already: they wait, so that no message goes round. What another live
 * instance handles is to be forwarded to that; it stays owed, and is not taken for lost (`due_at`) for `$9` ms, then for
 * as long as it has been unhandled. Everything else waits, with an entry that is due when the delivery is out of time or
 * has waited for `$8` ms, and is then dead; at once if it was published to what the consumer is not subscribed to any more.
 * What another claimant holds is left as it is; so is a claim that was cut off, if another instance takes the message: that
 * one counts it. `$7` is how long a live agent may have been silent, in ms; `$10` the error of an attempt that was cut off.
 */
export const unhandled = (schema: string): string => `
WITH ${able(schema, '$7', '$2')}, asked AS MATERIALIZED (
  SELECT a.ord, a.message_id, a.consumer, a.topic, a.error, m.type IS NOT NULL AS known, m.expires_at,
    (
      SELECT CASE WHEN d.state = 'retrying' AND d.due_at > statement_timestamp() THEN 'waiting' ELSE d.state END
      FROM "${schema}".deliveries d WHERE d.message_id = a.message_id AND d.consumer = a.consumer
    ) AS state,
    a.topic IS NULL OR (
      SELECT coalesce(bool_or(s.pattern <> '' AND (a.topic || '.') ~ s.expression), false)
      FROM "${schema}".subscriptions s WHERE s.consumer = a.consumer
    ) AS subscribed,
    CASE WHEN NOT a.forwarded THEN ${another('m', 'a.topic', 'a.consumer')} END AS target
  FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::boolean[])
    WITH ORDINALITY AS a (message_id, consumer, topic, error, forwarded, ord)
  LEFT JOIN ${message(schema, 'a.message_id')} ON true
), changed AS (
  INSERT INTO "${schema}".deliveries AS d
    (message_id, consumer, state, attempt, error, due_at, expires_at, unhandled_since, forwarded_to, topic, received_at)
  SELECT DISTINCT ON (message_id, consumer) message_id, consumer,
    CASE WHEN target IS NULL THEN 'retrying' ELSE 'pending' END, 0,
    CASE WHEN target IS NULL THEN error END,
    CASE WHEN target IS NULL THEN least(statement_timestamp() + $8 * interval '1 millisecond', expires_at)
      ELSE statement_timestamp() + $9 * interval '1 millisecond' END,
    expires_at, statement_timestamp(), target, topic, statement_timestamp()
  FROM asked
  WHERE known AND (state IS NULL AND subscribed OR state IN ('pending', 'processing', 'retrying'))
  ORDER BY message_id, consumer, ord
  ON CONFLICT (message_id, consumer) DO UPDATE
  SET (state, error, due_at, unhandled_since, forwarded_to, topic, leased_until, failures, crashes, history, received_at, finished_at) = (
    SELECT verdict, CASE verdict WHEN 'pending' THEN d.error ELSE excluded.error END,
      CASE verdict
        WHEN 'pending' THEN greatest(excluded.due_at, statement_timestamp() + (statement_timestamp() - since))
        WHEN 'retrying' THEN ends
      END,
      since, excluded.forwarded_to, excluded.topic, NULL::timestamptz,
      d.failures + held::integer, d.crashes + held::integer,
      CASE WHEN held THEN ${withFailedAttempt('$10::json')} ELSE d.history END,
      coalesce(d.received_at, excluded.received_at),
      CASE verdict WHEN 'dead' THEN statement_timestamp() END
    FROM (
      SELECT since, ends, held, CASE
        WHEN excluded.forwarded_to IS NOT NULL THEN 'pending'
        WHEN ends <= statement_timestamp() THEN 'dead'
        ELSE 'retrying'
      END AS verdict
      FROM (
        SELECT since, held,
          CASE WHEN (
            SELECT a.subscribed FROM asked a WHERE a.message_id = d.message_id AND a.consumer = d.consumer LIMIT 1
          ) THEN least(since + $8 * interval '1 millisecond', coalesce(d.expires_at, excluded.expires_at))
            ELSE statement_timestamp() END AS ends
        FROM (
          SELECT coalesce(d.unhandled_since, statement_timestamp()) AS since,
            d.state = 'processing' AND d.leased_until IS NOT NULL AS held
          OFFSET 0
        ) AS before
        OFFSET 0
      ) AS times
      OFFSET 0
    ) AS now
  )
  WHERE d.state = 'pending'
    OR d.state = 'retrying' AND (d.due_at IS NULL OR d.due_at <= statement_timestamp())
    OR d.state = 'processing' AND ${isFree} AND excluded.forwarded_to IS NULL
  RETURNING d.message_id, d.consumer, d.state, d.due_at
), opened AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease, scheduled)
  SELECT message_id, consumer, consumer, due_at, 1, due_at > statement_timestamp() FROM changed WHERE state = 'retrying'
)
SELECT asked.known, asked.state IS NULL AND NOT asked.subscribed AS stray, asked.state AS before, changed.state AS after,
  asked.target AS agent
FROM asked LEFT JOIN changed USING (message_id, consumer)
ORDER BY asked.ord`;

/**
 * Makes due at once, of the consumers `$3`, what waits for a handler that a live instance has by now, and what was forwarded
 * to an agent that is gone; at most `$2` deliveries. `$1` is how long a live agent may have been silent, in ms.
 */
export const rouse = (schema: string): string => `
WITH ${able(schema, '$1', '$3')}, roused AS MATERIALIZED (
  SELECT d.message_id, d.consumer, d.ctid AS at
  FROM "${schema}".deliveries d
  WHERE d.unhandled_since IS NOT NULL AND d.state IN ('pending', 'retrying') AND d.consumer = ANY ($3::text[]) AND CASE d.state
    WHEN 'pending' THEN d.forwarded_to IS NOT NULL
      AND NOT EXISTS (SELECT FROM "${schema}".agents g WHERE g.id = d.forwarded_to AND ${live('$1')})
    ELSE d.due_at > statement_timestamp()
      AND EXISTS (SELECT FROM able CROSS JOIN ${message(schema, 'd.message_id')} WHERE ${handles('m', 'd.topic', 'd.consumer')})
  END
  LIMIT $2
  FOR UPDATE OF d SKIP LOCKED
), marked AS (
  UPDATE "${schema}".deliveries SET due_at = statement_timestamp(), forwarded_to = NULL
  WHERE ctid = ANY (ARRAY(SELECT at FROM roused))
), moved AS (
  UPDATE "${schema}".outbox o SET due_at = statement_timestamp(), scheduled = false
  WHERE o.id = ANY (ARRAY(
    SELECT o.id FROM roused CROSS JOIN LATERAL (
      SELECT o.id FROM "${schema}".outbox o
      WHERE o.message_id = roused.message_id AND o.consumer = roused.consumer AND o.scheduled
      OFFSET 0
    ) AS o
  ))
  RETURNING o.message_id, o.consumer
), opened AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease)
  SELECT message_id, consumer, consumer, statement_timestamp(), 1
  FROM roused WHERE (message_id, consumer) NOT IN (SELECT message_id, consumer FROM moved)
)
SELECT count(*)::integer AS roused FROM roused`;

/** What waits for a handler at the consumers `$1`, by contract, the most first. */
export const waitingForHandler = (schema: string): string => `
SELECT d.consumer, m.type, m.version::float8 AS version, count(*)::float8 AS count, min(d.unhandled_since) AS since
FROM "${schema}".deliveries d CROSS JOIN ${message(schema, 'd.message_id')}
WHERE d.unhandled_since IS NOT NULL AND d.state = 'retrying' AND d.consumer = ANY ($1::text[])
GROUP BY d.consumer, m.type, m.version
ORDER BY count DESC, d.consumer, m.type, m.version
LIMIT 100`;

/**
 * Deliveries (`$1` messages, `$2` consumers) of broadcasts that are not owed after all: they leave no row, if no claim holds
 * them. That it was sent to all, or stands for what was, the stored message says: a copy on the wire may say anything.
 */
export const disown = (schema: string): string => `
DELETE FROM "${schema}".deliveries d
USING (
  SELECT d.ctid AS at
  FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS a (message_id, consumer) ORDER BY 1, 2) AS asked
  CROSS JOIN LATERAL (
    SELECT d.ctid FROM "${schema}".deliveries d
    WHERE d.message_id = asked.message_id AND d.consumer = asked.consumer AND ${isFree}
      AND EXISTS (
        SELECT FROM "${schema}".messages m
        WHERE m.message_id = d.message_id AND 'broadcast' IN (m.recipient_kind, m.headers ->> '${HEADER.recipient}')
      )
    FOR UPDATE
  ) AS d
) AS free
WHERE d.ctid = free.at`;
