/** The columns of `hops` that a recorder fills, each with its type, in the order of `hopParameters`. */
const recorded = [
  ['trace_id', 'text'],
  ['message_id', 'text'],
  ['side', 'text'],
  ['agent_id', 'text'],
  ['consumer', 'text'],
  ['attempt', 'integer'],
  ['began_at', 'timestamptz'],
  ['ended_at', 'timestamptz'],
  ['outcome', 'text'],
  ['error_name', 'text'],
  ['error_code', 'text'],
  ['kind', 'text'],
  ['type', 'text'],
  ['sender', 'text'],
  ['recipient', 'text'],
  ['causation_id', 'text'],
] as const;

const columns = recorded.map(([column]) => column).join(', ');
const arrays = recorded.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');

export const recordHops = (schema: string): string => `
INSERT INTO "${schema}".hops (${columns}) SELECT * FROM unnest(${arrays})`;

export const hops = (schema: string): string => `
SELECT trace_id AS "traceId", message_id AS "messageId", side, agent_id AS "agentId", consumer, attempt,
  began_at AS "beganAt", ended_at AS "endedAt", outcome, error_name AS "errorName", error_code AS "errorCode",
  kind, type, sender, recipient, causation_id AS "causationId"
FROM "${schema}".hops WHERE trace_id = $1 ORDER BY id LIMIT $2`;

export const hopTrace = (schema: string): string => `
SELECT trace_id AS "traceId" FROM "${schema}".hops WHERE message_id = $1 LIMIT 1`;

/**
 * Looks at the oldest rows only, by the primary key, so that it costs the same whatever the history. Processes that do it
 * at the same time take different rows.
 */
export const forgetHops = (schema: string): string => `
WITH oldest AS MATERIALIZED (
  SELECT id, recorded_at FROM "${schema}".hops ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM "${schema}".hops
  WHERE id = ANY (ARRAY(
    SELECT id FROM oldest WHERE recorded_at < statement_timestamp() - $1 * interval '1 millisecond'
  ))
  RETURNING id
)
SELECT count(*)::integer AS forgotten FROM gone`;
