/**
 * The entries that are still leased as the caller says. Locked in the order of ids, so that two batches with entries in
 * common can't deadlock; found one by one by the primary key, whatever the planner believes about a table that grows and
 * empties all the time.
 */
const held = (schema: string): string => `
WITH held AS MATERIALIZED (
  SELECT o.id
  FROM (SELECT * FROM unnest($1::bigint[], $2::integer[]) AS a (id, lease) ORDER BY id) AS asked
  CROSS JOIN LATERAL (
    SELECT o.id FROM "${schema}".outbox o WHERE o.id = asked.id AND o.lease = asked.lease FOR UPDATE
  ) AS o
)`;

/** A settled entry is deleted, so that the outbox stays as small as what is under way, whatever the history. */
export const settle = (schema: string): string => `${held(schema)}
DELETE FROM "${schema}".outbox WHERE id = ANY (ARRAY(SELECT id FROM held))`;

export const postpone = (schema: string): string => `${held(schema)}
UPDATE "${schema}".outbox
SET due_at = statement_timestamp() + $3 * interval '1 millisecond', leased_by = NULL, last_error = $4
WHERE id = ANY (ARRAY(SELECT id FROM held))`;
