import { isFree, waitsForHandler } from './failed-attempts.js';
import { messageRow } from './message-columns.js';

/**
 * Takes due entries for an owner: `SKIP LOCKED`, so that relays side by side never wait for each other nor get the same
 * entry. A lease is `due_at` moved ahead: one index, on `due_at`, finds what is due and what a dead owner left alike.
 * `$6` are targets that are left alone.
 *
 * `octet_length` reads the length of a large body without its bytes; at most `$4` bytes are taken at once (one entry
 * at least), so that a relay's memory is bounded.
 *
 * Entries that are not needed any more are closed here, and come back as `closed`: of messages that are gone, copies for
 * consumers that have settled them since, and what has expired. That is recorded: for a copy at its consumer, for a
 * first publication at all consumers that are owed it, or, if there are none, at its target. What is claimed meanwhile stays.
 * What waited for a handler is dead for want of one.
 */
export const leaseDue = (schema: string): string => `
WITH due AS MATERIALIZED (
  SELECT id, message_id, target, consumer, due_at
  FROM "${schema}".outbox
  WHERE due_at <= statement_timestamp() AND target <> ALL ($6::text[])
  ORDER BY due_at, id
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), sized AS (
  SELECT due.*, m.message_id IS NULL AS gone,
    (
      SELECT d.state IN ('completed', 'dead', 'expired')
      FROM "${schema}".deliveries d WHERE d.message_id = due.message_id AND d.consumer = due.consumer
    ) AS settled,
    coalesce(
      (
        SELECT d.expires_at
        FROM "${schema}".deliveries d WHERE d.message_id = due.message_id AND d.consumer = due.consumer
      ),
      m.expires_at
    ) <= statement_timestamp() AS expired,
    sum(octet_length(m.body)) OVER (ORDER BY due.due_at, due.id) - octet_length(m.body) AS bytes_before
  FROM due LEFT JOIN "${schema}".messages m USING (message_id)
), taken AS MATERIALIZED (
  SELECT id, message_id, target, consumer, due_at,
    gone OR coalesce(settled, false) OR coalesce(expired, false) AS closed,
    NOT gone AND NOT coalesce(settled, false) AND coalesce(expired, false) AS expired
  FROM sized WHERE gone OR bytes_before < $4
), closed AS (
  DELETE FROM "${schema}".outbox o USING taken WHERE o.id = taken.id AND taken.closed
), recorded AS (
  INSERT INTO "${schema}".deliveries AS d (message_id, consumer, state, attempt, finished_at, error)
  SELECT DISTINCT ON (taken.message_id, owed.consumer)
    taken.message_id, owed.consumer, 'expired', 0, statement_timestamp(), $5::json
  FROM taken CROSS JOIN LATERAL unnest(
    CASE WHEN taken.consumer IS NOT NULL THEN ARRAY[taken.consumer] ELSE coalesce(
      nullif(ARRAY(SELECT d.consumer FROM "${schema}".deliveries d WHERE d.message_id = taken.message_id), '{}'),
      ARRAY[taken.target]
    ) END
  ) AS owed (consumer)
  WHERE taken.expired
  ORDER BY taken.message_id, owed.consumer
  ON CONFLICT (message_id, consumer) DO UPDATE
  SET state = CASE WHEN ${waitsForHandler} THEN 'dead' ELSE excluded.state END, finished_at = excluded.finished_at,
    error = CASE WHEN ${waitsForHandler} THEN d.error ELSE excluded.error END, due_at = NULL,
    leased_until = NULL
  WHERE ${isFree} AND (d.expires_at IS NULL OR d.expires_at <= statement_timestamp())
), leased AS (
  UPDATE "${schema}".outbox o
  SET due_at = statement_timestamp() + $3 * interval '1 millisecond', lease = o.lease + 1, leased_by = $1,
    scheduled = false
  FROM taken WHERE o.id = taken.id AND NOT taken.closed
  RETURNING o.id, o.lease
)
SELECT taken.id::text AS id, leased.lease, taken.closed, taken.consumer, ${messageRow}
FROM taken
LEFT JOIN leased USING (id)
LEFT JOIN "${schema}".messages m ON m.message_id = taken.message_id AND NOT taken.closed
ORDER BY taken.due_at, taken.id`;
