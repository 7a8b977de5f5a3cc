import { isFree } from './failed-attempts.js';

/**
 * Puts deliveries (`$1` message ids, `$2` consumers) on their way again that are open, held by no claimant and on their way
 * nowhere; answers of each whether its message and itself are on record. One that is out of time is due at once, and the
 * relay settles it. Any other comes the later the older its message is, so that a queue which drops what it gets is not
 * filled in a loop.
 */
export const takeBack = (schema: string): string => `
WITH asked AS MATERIALIZED (
  SELECT a.ord, d.message_id, d.consumer, coalesce(${isFree}, false) AS free, d.state, d.expires_at,
    (SELECT true FROM "${schema}".messages m WHERE m.message_id = a.message_id) AS stored
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (message_id, consumer, ord)
  LEFT JOIN "${schema}".deliveries d ON d.message_id = a.message_id AND d.consumer = a.consumer
), opened AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease, scheduled)
  SELECT DISTINCT ON (lost.message_id, lost.consumer) lost.message_id, lost.consumer, lost.consumer,
    statement_timestamp() + CASE
      WHEN coalesce(lost.expires_at, m.expires_at) <= statement_timestamp() THEN interval '0'
      ELSE least(greatest((statement_timestamp() - m.stored_at) / 2, interval '1 second'), interval '1 minute')
    END,
    0, true
  FROM asked AS lost JOIN "${schema}".messages m USING (message_id)
  WHERE lost.free AND NOT (
    SELECT coalesce(bool_or(o.consumer = lost.consumer OR o.consumer IS NULL AND lost.state = 'pending'), false)
    FROM "${schema}".outbox o WHERE o.message_id = lost.message_id
  )
  ORDER BY lost.message_id, lost.consumer
)
SELECT message_id IS NOT NULL AS owed, coalesce(stored, false) AS stored FROM asked ORDER BY ord`;
