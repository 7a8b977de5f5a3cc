import { refusing } from './outbox-size.js';

/** The most entries that are looked at, the oldest ones. */
const MOST_ENTRIES = 10_000;

/**
 * Senders whose messages have not gone out for `$1` ms. Copies for one consumer (retries, replays) are not the sender's, what
 * is scheduled is to wait, and an entry under its first lease is being published, or is a request that waits for its answer.
 */
export const stuckSenders = (schema: string): string => `
SELECT sender, count(*)::float8 AS entries, min(since) AS since
FROM (
  SELECT message_id FROM "${schema}".outbox
  WHERE consumer IS NULL
    AND NOT (due_at > statement_timestamp() AND (scheduled OR (leased_by IS NOT NULL AND lease <= 1)))
  ORDER BY id LIMIT ${MOST_ENTRIES}
) AS oldest
JOIN "${schema}".messages m USING (message_id)
CROSS JOIN LATERAL (SELECT greatest(m.stored_at, m.deliver_at) AS since) AS due
WHERE since <= statement_timestamp() - $1 * interval '1 millisecond'
GROUP BY sender
ORDER BY sender`;

/**
 * What has not gone out for `$1` ms, though its inbox refuses nothing: any relay could publish it. Also retries, since they were
 * due; of a replay it is not on record since when it is. No row when there is none.
 */
export const stuckEntries = (schema: string): string => `
WITH ${refusing(schema)}
SELECT count(*)::float8 AS entries, min(since) AS since,
  (array_agg(last_error ORDER BY id DESC) FILTER (WHERE last_error IS NOT NULL))[1] AS error
FROM (
  SELECT id, message_id, consumer, last_error FROM "${schema}".outbox o
  WHERE NOT (due_at > statement_timestamp() AND (scheduled OR (leased_by IS NOT NULL AND lease <= 1)))
    AND NOT EXISTS (SELECT FROM refusing r WHERE r.target = o.target)
  ORDER BY id LIMIT ${MOST_ENTRIES}
) AS oldest
JOIN "${schema}".messages m USING (message_id)
LEFT JOIN "${schema}".deliveries d ON d.message_id = oldest.message_id AND d.consumer = oldest.consumer
CROSS JOIN LATERAL (
  SELECT CASE WHEN oldest.consumer IS NULL THEN greatest(m.stored_at, m.deliver_at) ELSE d.due_at END AS since
) AS due
WHERE since <= statement_timestamp() - $1 * interval '1 millisecond'
HAVING count(*) > 0`;
