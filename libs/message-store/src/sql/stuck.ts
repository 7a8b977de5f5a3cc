import { begun, NOT_REFUSED, refusing } from './outbox-size.js';

/** The most entries that are looked at of each kind, those that are due first. */
const MOST_ENTRIES = 10_000;

/** An entry under its first lease is being published, or is a request that waits for its answer. */
const NOT_BEGUN_NOW = '(due_at <= statement_timestamp() OR leased_by IS NULL OR lease > 1)';

/**
 * Senders whose messages have not gone out for `$1` ms. Copies for one consumer (retries, replays) are not the sender's, and what
 * is scheduled is to wait.
 */
export const stuckSenders = (schema: string): string => `
SELECT sender, count(*)::float8 AS entries, min(since) AS since
FROM (${begun(schema, 'message_id', `consumer IS NULL AND ${NOT_BEGUN_NOW}`, MOST_ENTRIES)}) AS oldest
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
  ${begun(schema, 'id, message_id, consumer, last_error', `${NOT_REFUSED} AND ${NOT_BEGUN_NOW}`, MOST_ENTRIES)}
) AS oldest
JOIN "${schema}".messages m USING (message_id)
LEFT JOIN "${schema}".deliveries d ON d.message_id = oldest.message_id AND d.consumer = oldest.consumer
CROSS JOIN LATERAL (
  SELECT CASE WHEN oldest.consumer IS NULL THEN greatest(m.stored_at, m.deliver_at) ELSE d.due_at END AS since
) AS due
WHERE since <= statement_timestamp() - $1 * interval '1 millisecond'
HAVING count(*) > 0`;
