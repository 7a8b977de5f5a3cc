import { withFailedAttempt } from './failed-attempts.js';

/**
 * Claims deliveries. What is settled, waits for its retry, or is unknown, is told apart first, by reading, and costs no
 * write. What remains is inserted in the order of its key, so that two batches can't deadlock; the conflict clause
 * decides on the newest state of the row, not on what was read: of two claims at once, the second sees the first's lease.
 * A row that another took in between comes back without a new state, which is `busy`.
 *
 * A row that comes back `processing` without a lease is suspect: two claimants of it died, or one and it has a single
 * attempt left. One death alone makes none, so that what a process left behind when it was killed is taken up at once. The inserted state tells the conflict clause whether
 * the message's own time is over. The broker takes from a claimant only the copy that it has: another may be redelivered
 * while the claimant is at work. What was asked about one row is looked up among the others only where a claimant died.
 *
 * The scalar subqueries make each lookup a probe of the primary key, whatever the planner believes about the tables.
 * `$8`, `$9` and `$10` are the errors of a message that expired, of an attempt that was cut off, and of the last such.
 */
export const claim = (schema: string): string => `
WITH found AS MATERIALIZED (
  SELECT a.ord, a.message_id, a.consumer, a.redelivered, a.attempts, a.alone, a.copy,
    (
      SELECT coalesce(m.expires_at, 'infinity') FROM "${schema}".messages m WHERE m.message_id = a.message_id
    ) AS expires_at,
    (
      SELECT CASE WHEN d.state = 'retrying' AND d.due_at > statement_timestamp() THEN 'waiting' ELSE d.state END
      FROM "${schema}".deliveries d WHERE d.message_id = a.message_id AND d.consumer = a.consumer
    ) AS state
  FROM unnest($1::text[], $2::text[], $3::boolean[], $4::integer[], $5::boolean[], $6::text[])
    WITH ORDINALITY AS a (message_id, consumer, redelivered, attempts, alone, copy, ord)
), asked AS MATERIALIZED (
  SELECT found.*, CASE
    WHEN expires_at <= statement_timestamp() THEN 'expired' WHEN expires_at IS NOT NULL THEN 'processing'
  END AS next
  FROM found
), claimed AS (
  INSERT INTO "${schema}".deliveries AS d
    (message_id, consumer, state, attempt, agent_id, copy, leased_until, received_at, error, finished_at)
  SELECT message_id, consumer, next,
    CASE next WHEN 'processing' THEN 1 ELSE 0 END,
    CASE next WHEN 'processing' THEN $7 END,
    copy,
    CASE next WHEN 'processing' THEN statement_timestamp() + $11 * interval '1 millisecond' END,
    clock_timestamp(),
    CASE next WHEN 'expired' THEN $8::json END,
    CASE next WHEN 'expired' THEN statement_timestamp() END
  FROM asked
  WHERE next IS NOT NULL AND (state IS NULL OR state IN ('pending', 'processing', 'retrying'))
  ORDER BY message_id, consumer
  ON CONFLICT (message_id, consumer) DO UPDATE
  SET (state, attempt, failures, crashes, agent_id, copy, leased_until, due_at, received_at, error, history, finished_at) = (
    SELECT
      CASE WHEN verdict IN ('dead', 'expired') THEN verdict WHEN verdict = 'claimed' OR held THEN 'processing' ELSE d.state END,
      CASE verdict WHEN 'claimed' THEN d.attempt + 1 ELSE d.attempt END,
      d.failures + held::integer,
      d.crashes + held::integer,
      CASE verdict WHEN 'claimed' THEN $7 ELSE d.agent_id END,
      CASE verdict WHEN 'claimed' THEN excluded.copy ELSE d.copy END,
      CASE verdict WHEN 'claimed' THEN statement_timestamp() + $11 * interval '1 millisecond' END,
      CASE verdict WHEN 'suspect' THEN d.due_at END,
      coalesce(d.received_at, excluded.received_at),
      CASE verdict WHEN 'dead' THEN $10::json WHEN 'expired' THEN $8::json ELSE d.error END,
      CASE WHEN held THEN ${withFailedAttempt('$9::json')} ELSE d.history END,
      CASE WHEN verdict IN ('dead', 'expired') THEN statement_timestamp() END
    FROM (
      SELECT held, CASE
        WHEN held AND d.failures + 1 >= (
          SELECT a.attempts FROM asked a WHERE a.message_id = d.message_id AND a.consumer = d.consumer
        ) THEN 'dead'
        WHEN CASE
          WHEN d.expires_at IS NULL THEN excluded.state = 'expired' ELSE d.expires_at <= statement_timestamp()
        END THEN 'expired'
        WHEN held OR d.crashes > 0 THEN (
          SELECT CASE WHEN NOT a.alone AND (
            d.crashes + held::integer > 1 OR d.failures + held::integer + 1 >= a.attempts
          ) THEN 'suspect' ELSE 'claimed' END
          FROM asked a WHERE a.message_id = d.message_id AND a.consumer = d.consumer
        )
        ELSE 'claimed'
      END AS verdict
      FROM (SELECT d.state = 'processing' AND d.leased_until IS NOT NULL AS held) AS before
      OFFSET 0
    ) AS now
  )
  WHERE d.state = 'pending'
    OR d.state = 'retrying' AND (d.due_at IS NULL OR d.due_at <= statement_timestamp())
    OR d.state = 'processing' AND (
      d.leased_until IS NULL
      OR d.leased_until <= statement_timestamp()
      OR d.copy = excluded.copy AND EXISTS (
        SELECT FROM asked a WHERE a.redelivered AND a.message_id = d.message_id AND a.consumer = d.consumer
      )
    )
  RETURNING d.message_id, d.consumer, d.state, d.attempt, d.failures, d.leased_until IS NULL AS free, d.expires_at
)
SELECT asked.next IS NOT NULL AS known, asked.state AS before, claimed.state AS after,
  claimed.attempt, claimed.failures, claimed.free,
  CASE WHEN coalesce(claimed.expires_at, asked.expires_at) < 'infinity' THEN (
    extract(epoch FROM coalesce(claimed.expires_at, asked.expires_at) - statement_timestamp()) * 1000
  )::float8 END AS left_ms
FROM asked LEFT JOIN claimed USING (message_id, consumer)
ORDER BY asked.ord`;
