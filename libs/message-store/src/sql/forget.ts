import { exactTime } from './selected.js';

/**
 * Deletes messages stored and settled longer ago than `$1` ms, with their deliveries: reads on from a place in the order of time
 * (`$4`, `$5`; null at first) over `$3` of them, and deletes at most `$6` of those that nothing is open of and that are
 * no dead letter younger than `$2` ms. Answers how many it deleted, and where it got to: null at the end.
 *
 * Deletes by key from arrays, and looks by scalar subqueries, so that the planner has only probes to choose from.
 */
export const forget = (schema: string): string => `
WITH old AS MATERIALIZED (
  SELECT m.message_id, m.stored_at
  FROM "${schema}".messages m
  WHERE m.stored_at < statement_timestamp() - $1 * interval '1 millisecond'
    AND m.stored_at >= coalesce($4::timestamptz, '-infinity')
    AND (m.stored_at, m.message_id) > (coalesce($4::timestamptz, '-infinity'), coalesce($5::text, ''))
  ORDER BY m.stored_at, m.message_id
  LIMIT $3
), settled AS MATERIALIZED (
  SELECT old.message_id, old.stored_at
  FROM old
  WHERE (SELECT true FROM "${schema}".outbox o WHERE o.message_id = old.message_id LIMIT 1) IS NULL
    AND NOT (
      SELECT coalesce(bool_or(
        d.state IN ('pending', 'processing', 'retrying')
          OR d.finished_at > statement_timestamp() - $1 * interval '1 millisecond'
          OR d.state = 'dead' AND d.discarded IS NULL
          AND d.finished_at > statement_timestamp() - $2 * interval '1 millisecond'
      ), false)
      FROM "${schema}".deliveries d WHERE d.message_id = old.message_id
    )
  ORDER BY old.stored_at, old.message_id
  LIMIT $6
), deliveries_gone AS (
  DELETE FROM "${schema}".deliveries WHERE message_id = ANY (ARRAY(SELECT message_id FROM settled))
), keys_gone AS (
  DELETE FROM "${schema}".message_keys WHERE message_id = ANY (ARRAY(SELECT message_id FROM settled))
), messages_gone AS (
  DELETE FROM "${schema}".messages WHERE message_id = ANY (ARRAY(SELECT message_id FROM settled))
), forgotten AS (
  SELECT count(*)::integer AS forgotten FROM settled
), reached AS (
  (SELECT stored_at, message_id FROM settled, forgotten WHERE forgotten = $6 ORDER BY stored_at DESC, message_id DESC LIMIT 1)
  UNION ALL
  (SELECT stored_at, message_id FROM old, forgotten
   WHERE forgotten < $6 AND (SELECT count(*) FROM old) = $3 ORDER BY stored_at DESC, message_id DESC LIMIT 1)
)
SELECT forgotten, (SELECT ${exactTime('stored_at')} FROM reached) AS "storedAt", (SELECT message_id FROM reached) AS "messageId"
FROM forgotten`;
