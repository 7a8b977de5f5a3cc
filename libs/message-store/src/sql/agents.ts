const agentRow = `id, role, capabilities, instance, load, in_flight AS "inFlight", version, health,
  registered_at AS "registeredAt", heartbeat_at AS "heartbeatAt"`;

/** A new instance takes the id over: everything that the last one said is forgotten. */
export const registerAgent = (schema: string): string => `
INSERT INTO "${schema}".agents (id, role, capabilities, instance, version)
VALUES ($1, $2, $3::text[], $4, $5)
ON CONFLICT (id) DO UPDATE
SET role = excluded.role, capabilities = excluded.capabilities, instance = excluded.instance,
  version = excluded.version, load = 0, in_flight = 0, health = 'healthy',
  registered_at = excluded.registered_at, heartbeat_at = excluded.heartbeat_at
RETURNING ${agentRow}`;

/** A heartbeat that was overtaken by its agent's deregistration does not bring the agent back. */
export const heartbeat = (schema: string): string => `
UPDATE "${schema}".agents
SET load = $3, in_flight = $4, health = 'healthy', heartbeat_at = statement_timestamp()
WHERE id = $1 AND instance = $2 AND health <> 'stopped'
RETURNING id`;

export const deregisterAgent = (schema: string): string => `
UPDATE "${schema}".agents SET health = 'stopped', load = 0, in_flight = 0 WHERE id = $1 AND instance = $2`;

/**
 * Ids that are made up anew at every start must not pile up, nor be owed anything for ever. What an agent subscribed to
 * outlives it as long as its queue does: it may have subscribed again already, and register in a moment.
 */
export const forgetAgents = (schema: string): string => `
WITH forgotten AS (
  DELETE FROM "${schema}".agents
  WHERE health <> 'healthy' AND heartbeat_at < statement_timestamp() - greatest($1 * 10, 3600000) * interval '1 millisecond'
  RETURNING 'agent.' || id AS consumer
), orphaned AS (
  UPDATE "${schema}".subscriptions s SET orphaned_at = statement_timestamp() FROM forgotten WHERE s.consumer = forgotten.consumer
)
DELETE FROM "${schema}".subscriptions s
WHERE s.orphaned_at < statement_timestamp() - interval '24 hours'
  AND NOT EXISTS (SELECT FROM "${schema}".agents a WHERE 'agent.' || a.id = s.consumer)`;

/** Each change is told to one caller: the row lock makes the second see `unhealthy`; a row that is locked is at work. */
export const markUnhealthy = (schema: string): string => `
WITH silent AS MATERIALIZED (
  SELECT id AS silent_id
  FROM "${schema}".agents
  WHERE health = 'healthy' AND heartbeat_at < statement_timestamp() - $1 * interval '1 millisecond'
  ORDER BY id
  FOR UPDATE SKIP LOCKED
)
UPDATE "${schema}".agents SET health = 'unhealthy' FROM silent WHERE id = silent_id
RETURNING ${agentRow}`;
