/**
 * Frees what an earlier process of the same owner left. A claim's lease ends, rather than being given back: its claimant
 * died, and the next claim counts that. A row that is locked is somebody's work at this moment and is left to them; so
 * this statement waits for none, and can't deadlock. Rows are found again by their primary keys, as in `held-claims`.
 */
export const takeOver = (schema: string): string => `
WITH freed AS (
  UPDATE "${schema}".outbox SET due_at = statement_timestamp(), leased_by = NULL
  WHERE id = ANY (ARRAY(
    SELECT id FROM "${schema}".outbox
    WHERE leased_by = $1 AND due_at > statement_timestamp()
    FOR UPDATE SKIP LOCKED
  ))
), held AS MATERIALIZED (
  SELECT message_id, consumer FROM "${schema}".deliveries
  WHERE state = 'processing' AND agent_id = $1 AND leased_until > statement_timestamp()
  FOR UPDATE SKIP LOCKED
)
INSERT INTO "${schema}".deliveries (message_id, consumer, state, attempt)
SELECT message_id, consumer, 'processing', 1 FROM held
ON CONFLICT (message_id, consumer) DO UPDATE SET leased_until = statement_timestamp()`;
