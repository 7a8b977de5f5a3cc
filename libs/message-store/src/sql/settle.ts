/**
 * The entries that are still leased as the caller says. Locked in the order of ids, so that two batches with entries in
 * common can't deadlock; found one by one by the primary key, whatever the planner believes about a table that grows and
 * empties all the time.
 */
const held = (schema: string): string => `
WITH held AS MATERIALIZED (
  SELECT o.id, o.message_id
  FROM (SELECT * FROM unnest($1::bigint[], $2::integer[]) AS a (id, lease) ORDER BY id) AS asked
  CROSS JOIN LATERAL (
    SELECT o.id, o.message_id FROM "${schema}".outbox o WHERE o.id = asked.id AND o.lease = asked.lease FOR UPDATE
  ) AS o
)`;

/** A settled entry is deleted, so that the outbox stays as small as what is under way, whatever the history. */
export const settle = (schema: string): string => `${held(schema)}
DELETE FROM "${schema}".outbox WHERE id = ANY (ARRAY(SELECT id FROM held))`;

/** `$5`: it was refused by its target, since when is kept. */
export const postpone = (schema: string): string => `${held(schema)}
UPDATE "${schema}".outbox
SET due_at = statement_timestamp() + $3 * interval '1 millisecond', leased_by = NULL, last_error = $4,
  refused_at = CASE WHEN $5 THEN coalesce(refused_at, statement_timestamp()) ELSE refused_at END
WHERE id = ANY (ARRAY(SELECT id FROM held))`;

/**
 * Of messages that not all of their consumers could take, an entry for each consumer that has not claimed it, in place of the
 * one for all: due in `$3` ms, when those that did take it have claimed it, and nothing is left to do for them. A consumer
 * that `$4` entries wait for already gets none: its delivery stays open, and is replayed when there is room.
 */
export const split = (schema: string): string => `${held(schema)}, refusing AS MATERIALIZED (
  SELECT target, count(*) AS entries FROM "${schema}".outbox WHERE refused_at IS NOT NULL GROUP BY target
), opened AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease, scheduled, refused_at)
  SELECT d.message_id, d.consumer, d.consumer, statement_timestamp() + $3 * interval '1 millisecond', 1, true,
    CASE WHEN r.target IS NOT NULL THEN statement_timestamp() END
  FROM held
  JOIN "${schema}".deliveries d ON d.message_id = held.message_id AND d.state = 'pending'
  LEFT JOIN refusing r ON r.target = d.consumer
  WHERE coalesce(r.entries, 0) < $4 AND NOT EXISTS (
    SELECT FROM "${schema}".outbox o WHERE o.message_id = d.message_id AND o.consumer = d.consumer
  )
)
DELETE FROM "${schema}".outbox WHERE id = ANY (ARRAY(SELECT id FROM held))`;
