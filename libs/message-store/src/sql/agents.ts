import { isFree } from './failed-attempts.js';

/** All roles of a row of `agents`. An instance of the version before writes the one that it has alone. */
export const rolesOf = (g: string): string =>
  `CASE WHEN ${g}.roles_of = ${g}.instance THEN ${g}.roles ELSE ARRAY[${g}.role] END`;

/** Of the row `known`. */
const agentRow = (
  schema: string,
): string => `id, role, ${rolesOf('known')} AS roles, capabilities, instance, incarnation, sequence, load, in_flight AS "inFlight", concurrency,
  circuits, version, CASE WHEN handles_of = instance THEN handles ELSE '[]' END AS handles, stopped,
  EXISTS (SELECT FROM "${schema}".pauses p WHERE p.target = 'agent.' || known.id) AS paused, registered_at AS "registeredAt", heartbeat_at AS "heartbeatAt"`;

/**
 * A new instance takes the id over: everything that the last one said is forgotten. Two that register at once take
 * turns at the row, so the times must be those of the turn, not of the statement's start.
 */
export const registerAgent = (schema: string): string => `
INSERT INTO "${schema}".agents AS known (id, role, capabilities, instance, version, concurrency, handles, handles_of, ephemeral, roles, roles_of)
VALUES ($1, $2, $3::text[], $4, $5, $6, $7::json, $4, $8, $9::text[], $4)
ON CONFLICT (id) DO UPDATE
SET role = excluded.role, capabilities = excluded.capabilities, instance = excluded.instance,
  incarnation = known.incarnation + 1, sequence = 0,
  version = excluded.version, concurrency = excluded.concurrency, circuits = '[]', load = 0, in_flight = 0, stopped = false,
  handles = excluded.handles, handles_of = excluded.handles_of, ephemeral = excluded.ephemeral,
  roles = excluded.roles, roles_of = excluded.roles_of,
  registered_at = clock_timestamp(), heartbeat_at = clock_timestamp(), changed_in = pg_current_xact_id()
RETURNING ${agentRow(schema)}`;

/**
 * The row is locked first, so that the answer is about the same version of it as the write. A heartbeat that was overtaken
 * by its agent's deregistration does not bring the agent back. What it says counts as a change if it is more than that the
 * agent is alive; of its load, if that is a quarter more or less.
 */
export const heartbeat = (schema: string): string => `
WITH known AS MATERIALIZED (
  SELECT id AS known_id, instance = $2 AND NOT stopped AS ours, sequence AS latest
  FROM "${schema}".agents WHERE id = $1 FOR UPDATE
), beaten AS (
  UPDATE "${schema}".agents
  SET sequence = $3, capabilities = $4::text[], version = $5::text, load = $6::double precision, in_flight = $7,
    concurrency = $8::integer, circuits = $9::json, heartbeat_at = clock_timestamp(),
    changed_in = CASE
      WHEN (capabilities, version, round(load * 4), concurrency, circuits::text)
        IS DISTINCT FROM ($4::text[], $5::text, round($6::double precision * 4), $8::integer, $9::json::text) THEN pg_current_xact_id()
      ELSE changed_in
    END
  FROM known WHERE id = known_id AND ours AND latest < $3
)
SELECT CASE WHEN ours THEN 'recorded' ELSE 'replaced' END AS outcome FROM known`;

export const deregisterAgent = (schema: string): string => `
UPDATE "${schema}".agents
SET stopped = true, load = 0, in_flight = 0, circuits = '[]', changed_in = pg_current_xact_id() WHERE id = $1 AND instance = $2`;

/** The most agents that are read: of more, those that were heard of last. */
const MOST_AGENTS = 10_000;

/**
 * One row at least: its agent is null when there is none. Without ids, of all agents; with `$2`, a position, also those that
 * have changed after it, or have been silent for `$3` ms. What a transaction wrote that was under way at the position
 * comes after it.
 */
export const agents = (schema: string): string => `
SELECT moment.now, moment.position, ${agentRow(schema)}
FROM (
  SELECT statement_timestamp() AS now, pg_snapshot_xmin(pg_current_snapshot())::text AS position
) AS moment LEFT JOIN (
  SELECT * FROM "${schema}".agents
  WHERE $1::text[] IS NULL OR id = ANY($1) OR changed_in >= $2::text::xid8
    OR (NOT stopped AND heartbeat_at <= statement_timestamp() - $3::double precision * interval '1 millisecond')
  ORDER BY stopped, heartbeat_at DESC LIMIT ${MOST_AGENTS}
) AS known ON true
ORDER BY id`;

/**
 * Ids that are made up anew at every start must not pile up, nor be owed anything for ever. What an agent subscribed to
 * outlives it as long as its queue does: it may have subscribed again already, and register in a moment. When nobody has
 * been heard of, the whole machine may have slept, or its clock may have been set.
 */
export const forgetAgents = (schema: string): string => `
WITH heard AS (
  SELECT FROM "${schema}".agents WHERE heartbeat_at >= statement_timestamp() - $1 * interval '1 millisecond' LIMIT 1
), forgotten AS (
  DELETE FROM "${schema}".agents
  WHERE heartbeat_at < statement_timestamp() - $1 * interval '1 millisecond' AND EXISTS (SELECT FROM heard)
  RETURNING 'agent.' || id AS consumer
), orphaned AS (
  UPDATE "${schema}".subscriptions s SET orphaned_at = statement_timestamp() FROM forgotten WHERE s.consumer = forgotten.consumer
)
DELETE FROM "${schema}".subscriptions s
WHERE s.orphaned_at < statement_timestamp() - interval '24 hours'
  AND NOT EXISTS (SELECT FROM "${schema}".agents a WHERE 'agent.' || a.id = s.consumer)`;

/** The most deliveries that one statement ends, of all agents. */
const MOST_ENDED = 10_000;

/**
 * Ends agents that never come back under their id, and were silent for `$1` ms: with them what they subscribed to, that they
 * are paused, and what they are owed, on record with the error `$2`. An agent that is owed more than one statement ends stays until the next.
 */
export const endAgents = (schema: string): string => `
WITH gone AS MATERIALIZED (
  SELECT id, 'agent.' || id AS consumer FROM "${schema}".agents
  WHERE ephemeral AND heartbeat_at < statement_timestamp() - $1 * interval '1 millisecond'
  ORDER BY heartbeat_at LIMIT 20
  FOR UPDATE SKIP LOCKED
), unsubscribed AS (
  DELETE FROM "${schema}".subscriptions WHERE consumer IN (SELECT consumer FROM gone)
), unpaused AS (
  DELETE FROM "${schema}".pauses WHERE target IN (SELECT consumer FROM gone)
), owed AS MATERIALIZED (
  SELECT d.ctid AS at FROM "${schema}".deliveries d
  WHERE d.consumer IN (SELECT consumer FROM gone) AND d.state <> 'completed' AND ${isFree}
  LIMIT ${MOST_ENDED}
  FOR UPDATE SKIP LOCKED
), settled AS (
  UPDATE "${schema}".deliveries
  SET state = 'expired', error = $2::json, due_at = NULL, leased_until = NULL, finished_at = statement_timestamp()
  WHERE ctid = ANY (ARRAY(SELECT at FROM owed))
), closed AS (
  DELETE FROM "${schema}".outbox WHERE target IN (SELECT consumer FROM gone)
)
DELETE FROM "${schema}".agents
WHERE id IN (SELECT id FROM gone) AND (SELECT count(*) FROM owed) < ${MOST_ENDED}
RETURNING id`;

/** Changes nothing, but is written. */
export const touchAgent = (schema: string): string =>
  `UPDATE "${schema}".agents SET heartbeat_at = heartbeat_at WHERE id = $1`;
