import { withFailedAttempt } from './failed-attempts.js';

interface Change {
  /** Parameters of its own: the name, the type of the array, in the order of the parameters from `$4` on. */
  readonly parameters?: readonly (readonly [name: string, type: string])[];
  /** Columns that bring the parameters of each row to `set`, as `excluded`. */
  readonly brings?: Readonly<Record<string, string>>;
  readonly set: string;
  /** What else happens to the rows of `changed`, as a further part of the statement. */
  readonly also?: string;
}

/**
 * Changes the claims among those asked about (`$1` message ids, `$2` consumers, `$3` attempts) that are still the
 * claimant's. The attempt fences: a later claim has a higher one.
 *
 * Written as an insert that always conflicts, never inserts: it finds each row by the primary key, whatever the planner
 * believes about the table (a join became a scan of the whole table, and four times as slow at 20,000 rows); it locks
 * the rows in the order of the key, so that two batches can't deadlock; and it decides on the newest state of each row.
 * What the subquery doesn't see was not claimed before this statement, so it is not the claimant's.
 * It tests the state outside of its WHERE: the index of what is not completed must not be taken for the probe.
 */
function change(schema: string, { parameters = [], brings = {}, set, also = '' }: Change): string {
  const arrays = parameters.map(([, type], index) => `, $${index + 4}::${type}[]`).join('');
  const names = parameters.map(([name]) => `, ${name}`).join('');
  const columns = { state: `'processing'`, ...brings };
  return `
WITH asked AS MATERIALIZED (
  SELECT ord, message_id, consumer, attempt${names}
  FROM unnest($1::text[], $2::text[], $3::integer[]${arrays})
    WITH ORDINALITY AS a (message_id, consumer, attempt${names}, ord)
), changed AS (
  INSERT INTO "${schema}".deliveries AS d (message_id, consumer, attempt, ${Object.keys(columns).join(', ')})
  SELECT DISTINCT ON (message_id, consumer) message_id, consumer, attempt, ${Object.values(columns).join(', ')}
  FROM asked
  WHERE (
    SELECT d.attempt = asked.attempt AND d.state = 'processing' FROM "${schema}".deliveries d
    WHERE d.message_id = asked.message_id AND d.consumer = asked.consumer
  )
  ORDER BY message_id, consumer, attempt DESC, ord
  ON CONFLICT (message_id, consumer) DO UPDATE
  SET ${set}
  WHERE d.state = 'processing' AND d.attempt = excluded.attempt AND d.leased_until IS NOT NULL
  RETURNING d.message_id, d.consumer, d.attempt, d.state, d.due_at
)${also}
SELECT changed.message_id IS NOT NULL AS held
FROM asked LEFT JOIN changed USING (message_id, consumer, attempt)
ORDER BY asked.ord`;
}

export const complete = (schema: string): string =>
  change(schema, { set: `state = 'completed', leased_until = NULL, finished_at = statement_timestamp()` });

/**
 * `$4` states, `$5` errors, `$6` waits in ms. A retry's outbox entry has a lease behind it, as if the message had been
 * published by it: what the relay publishes is a copy. A retry that would come too late is due when the message expires,
 * so that it is settled then.
 */
export const fail = (schema: string): string =>
  change(schema, {
    parameters: [
      ['next', 'text'],
      ['error', 'json'],
      ['retry_in_ms', 'float8'],
    ],
    brings: {
      state: 'next',
      error: 'error',
      due_at: `CASE next WHEN 'retrying' THEN statement_timestamp() + retry_in_ms * interval '1 millisecond' END`,
      expires_at: `(SELECT m.expires_at FROM "${schema}".messages m WHERE m.message_id = asked.message_id)`,
      finished_at: `CASE WHEN next <> 'retrying' THEN statement_timestamp() END`,
    },
    set: `state = excluded.state, error = excluded.error, finished_at = excluded.finished_at,
    due_at = CASE excluded.state WHEN 'retrying' THEN least(excluded.due_at, coalesce(d.expires_at, excluded.expires_at)) END,
    leased_until = NULL, unhandled_since = NULL, failures = d.failures + 1, history = ${withFailedAttempt('excluded.error')}`,
    also: `, retried AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease, scheduled)
  SELECT message_id, consumer, consumer, due_at, 1, due_at > statement_timestamp() FROM changed WHERE state = 'retrying'
)`,
  });

/** `$4` the lease in ms. */
export const renew = (schema: string): string =>
  change(schema, { set: `leased_until = statement_timestamp() + $4 * interval '1 millisecond'` });

/** A delivery that is processing and has no lease is free: the next claim gets it, and the last claimant is fenced off. */
export const release = (schema: string): string => change(schema, { set: 'leased_until = NULL' });
