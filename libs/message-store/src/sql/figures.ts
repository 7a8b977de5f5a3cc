import { begun, NOT_REFUSED, refusing } from './outbox-size.js';

/** The entries that are looked at for the oldest: ids are about in the order of time. */
const OLDEST = 1_000;
/** The same of what one consumer is owed, in each state. Where as many are to be delivered later, none behind them is seen. */
const OLDEST_OWED = 100;

/**
 * What waits and what is dead, at the consumers `$1` and, with `$2`, at all that have not completed something: by an index
 * that has no more than that, from one consumer's entries to the next one's. Rows of a kind each, for one statement.
 *
 * `oldest` is how long an entry has been due: a first publication since it was sent, or since it was to be sent; a retry
 * since its time. Of a replay that is not on record.
 */
export const figures = (schema: string): string => `
WITH RECURSIVE ${refusing(schema)}, open AS MATERIALIZED (
  ${begun(schema, 'id, message_id, consumer', NOT_REFUSED)}
), found (consumer) AS (
  SELECT min(consumer) FROM "${schema}".deliveries WHERE state <> 'completed' AND $2::boolean
  UNION ALL
  SELECT (SELECT min(d.consumer) FROM "${schema}".deliveries d WHERE d.consumer > f.consumer AND d.state <> 'completed')
  FROM found f WHERE f.consumer IS NOT NULL
), consumers AS (
  SELECT unnest($1::text[]) COLLATE "C" AS consumer UNION SELECT consumer FROM found WHERE consumer IS NOT NULL
)
SELECT 'entries' AS kind, NULL AS name, count(*)::float8 AS value FROM open
UNION ALL
SELECT 'oldest', NULL, extract(epoch FROM statement_timestamp() - min(since))::float8
FROM (
  SELECT CASE WHEN o.consumer IS NULL THEN greatest(m.stored_at, m.deliver_at) ELSE d.due_at END AS since
  FROM (SELECT * FROM open ORDER BY id LIMIT ${OLDEST}) AS o
  JOIN "${schema}".messages m USING (message_id)
  LEFT JOIN "${schema}".deliveries d ON d.message_id = o.message_id AND d.consumer = o.consumer
) AS entry
UNION ALL
SELECT 'refused', o.target, count(*)::float8 FROM refusing JOIN "${schema}".outbox o USING (target) GROUP BY o.target
UNION ALL
SELECT s.state, c.consumer, n.count::float8
FROM consumers c CROSS JOIN (VALUES ('pending'), ('processing'), ('retrying')) AS s (state) CROSS JOIN LATERAL (
  SELECT count(*) FROM "${schema}".deliveries d
  WHERE d.consumer = c.consumer AND d.state = s.state AND d.state <> 'completed'
) AS n
UNION ALL
SELECT 'age', c.consumer, extract(epoch FROM statement_timestamp() - min(o.since))::float8
FROM consumers c CROSS JOIN (VALUES ('pending'), ('processing'), ('retrying')) AS s (state) CROSS JOIN LATERAL (
  SELECT greatest(m.stored_at, m.deliver_at) AS since
  FROM (
    SELECT message_id FROM "${schema}".deliveries d
    WHERE d.consumer = c.consumer AND d.state = s.state AND d.state <> 'completed'
    ORDER BY d.stored_at LIMIT ${OLDEST_OWED}
  ) AS owed JOIN "${schema}".messages m USING (message_id)
  WHERE m.deliver_at IS NULL OR m.deliver_at <= statement_timestamp()
) AS o
GROUP BY c.consumer
UNION ALL
SELECT 'dead', c.consumer, n.count::float8
FROM consumers c CROSS JOIN LATERAL (
  SELECT count(*) FROM "${schema}".deliveries d WHERE d.consumer = c.consumer AND d.state = 'dead' AND d.discarded IS NULL
) AS n`;
