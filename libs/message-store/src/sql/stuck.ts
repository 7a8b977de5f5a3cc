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
