const KEPT = 20;

/** The column `history` of the delivery `d` with one more failed attempt, of its last claimant; `error` is a json value. */
export const withFailedAttempt = (error: string): string => `(
  array_append(d.history, json_build_object(
    'attempt', d.attempt, 'at', statement_timestamp(), 'agentId', d.agent_id, 'error', ${error}
  ))
)[greatest(1, coalesce(cardinality(d.history), 0) + 2 - ${KEPT}):]`;

/** Whether the delivery `d` waits for an instance that handles it: a failed attempt ends that. */
export const waitsForHandler = `(d.state = 'retrying' AND d.unhandled_since IS NOT NULL)`;

/** Whether no claimant holds the delivery `d`, or its lease has run out, and it is not settled. */
export const isFree = `(
  d.state IN ('pending', 'retrying')
  OR d.state = 'processing' AND (d.leased_until IS NULL OR d.leased_until <= statement_timestamp())
)`;
