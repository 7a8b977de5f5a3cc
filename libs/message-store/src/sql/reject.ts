import { isFree } from './failed-attempts.js';
import { insertMessages, MESSAGE_PARAMETERS } from './message-columns.js';

const parameter = (offset: number): string => `$${MESSAGE_PARAMETERS + offset}`;

/** Messages that never reached a handler, with the delivery that says why: both or neither. Attempt 0: never claimed. */
export const reject = (schema: string): string => `
WITH stored AS (${insertMessages(schema, true)}
)
INSERT INTO "${schema}".deliveries AS d (message_id, consumer, state, attempt, error, received_at, finished_at)
SELECT DISTINCT ON (message_id, consumer)
  message_id, consumer, state, 0, error, statement_timestamp(), statement_timestamp()
FROM unnest(${parameter(1)}::text[], ${parameter(2)}::text[], ${parameter(3)}::text[], ${parameter(4)}::json[])
  WITH ORDINALITY AS rejected (message_id, consumer, state, error, ord)
ORDER BY message_id, consumer, ord
ON CONFLICT (message_id, consumer) DO UPDATE
SET state = excluded.state, error = excluded.error, due_at = NULL, leased_until = NULL, finished_at = excluded.finished_at,
  received_at = coalesce(d.received_at, excluded.received_at)
WHERE ${isFree}`;
