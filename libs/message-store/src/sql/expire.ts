import { isFree, waitsForHandler } from './failed-attempts.js';

/**
 * Settles up to `$1` deliveries as expired, with the error `$2`: owed, held by nobody, out of time and on their way
 * nowhere. What an entry will bring expires when that is leased, what is held when it is claimed. Locked rows are at work.
 *
 * It reads all that is open, so one process at a time does it; the others find nothing to do.
 *
 * The scalar subqueries make each lookup a probe, whatever the planner believes about the tables; a delivery with a time
 * of its own needs none.
 */
export const expire = (schema: string): string => `
WITH turn AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(hashtextextended('agentmq.expire.${schema}', 0)) AS ours
), late AS MATERIALIZED (
  SELECT d.ctid AS at
  FROM "${schema}".deliveries d
  WHERE (SELECT ours FROM turn) AND d.state <> 'completed' AND ${isFree}
    AND coalesce(
      d.expires_at, (SELECT m.expires_at FROM "${schema}".messages m WHERE m.message_id = d.message_id)
    ) <= statement_timestamp()
    AND NOT (
      SELECT coalesce(bool_or(o.consumer = d.consumer OR o.consumer IS NULL AND d.state = 'pending'), false)
      FROM "${schema}".outbox o WHERE o.message_id = d.message_id
    )
  LIMIT $1
  FOR UPDATE SKIP LOCKED
), expired AS (
  UPDATE "${schema}".deliveries d
  SET state = CASE WHEN ${waitsForHandler} THEN 'dead' ELSE 'expired' END,
    error = CASE WHEN ${waitsForHandler} THEN error ELSE $2::json END, due_at = NULL, leased_until = NULL, finished_at = statement_timestamp()
  WHERE ctid = ANY (ARRAY(SELECT at FROM late))
  RETURNING 1
)
SELECT count(*)::integer AS expired FROM expired`;
