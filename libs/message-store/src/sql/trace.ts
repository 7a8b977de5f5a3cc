/**
 * Sums up a trace (`$1`), or one message (`$2`) that has none. Agents appear as senders when a message was stored, and
 * as claimants when they received it. `completed` counts deliveries: a published message has one for each consumer.
 */
export const trace = (schema: string): string => `
WITH flow AS MATERIALIZED (
  SELECT message_id, sender, stored_at FROM "${schema}".messages WHERE trace_id = $1
  UNION ALL
  SELECT message_id, sender, stored_at FROM "${schema}".messages WHERE $1 IS NULL AND message_id = $2
), handled AS MATERIALIZED (
  SELECT d.agent_id, d.received_at, d.state FROM flow JOIN "${schema}".deliveries d USING (message_id)
), appeared AS (
  SELECT agent, min(at) AS first
  FROM (
    SELECT sender, stored_at FROM flow
    UNION ALL
    SELECT agent_id, received_at FROM handled WHERE agent_id IS NOT NULL
  ) AS appearances (agent, at)
  GROUP BY agent
)
SELECT
  (SELECT coalesce(array_agg(agent ORDER BY first, agent), '{}') FROM appeared) AS agents,
  (SELECT count(*) FROM flow)::integer AS messages,
  (SELECT count(*) FROM handled WHERE state = 'completed')::integer AS completed`;
