import { rolesOf } from './agents.js';
import { live } from './unhandled.js';

/** Processes of one consumer subscribe one after the other: theirs may differ, and what each changes is more than a row. */
export const lockSubscriptions = (schema: string): string =>
  `LOCK TABLE "${schema}".subscriptions IN SHARE ROW EXCLUSIVE MODE`;

/** What is there already keeps the time it began. `$2` the patterns, '' for broadcasts among them. */
export const addSubscriptions = (schema: string): string => `
WITH again AS (
  DELETE FROM "${schema}".ended_subscriptions WHERE consumer = $1 AND pattern = ANY ($2::text[])
)
INSERT INTO "${schema}".subscriptions (consumer, pattern, expression)
SELECT DISTINCT $1, pattern, expression FROM unnest($2::text[], $3::text[]) AS added (pattern, expression)
ON CONFLICT (consumer, pattern) DO UPDATE
SET expression = excluded.expression, orphaned_at = NULL, undeclared_since = NULL
WHERE subscriptions.expression <> excluded.expression OR subscriptions.orphaned_at IS NOT NULL
  OR subscriptions.undeclared_since IS NOT NULL`;

/**
 * Ends subscriptions, on record, and with them the wait for a handler of what came by them alone: it is dead with the
 * reason that it has. Answers which, broadcasts left out.
 */
const ending = (schema: string, condition: string, reason: string, undeclared = false): string => `
WITH ended AS (
  DELETE FROM "${schema}".subscriptions s WHERE ${condition} RETURNING s.consumer, s.pattern, s.expression, s.since
), recorded AS (
  INSERT INTO "${schema}".ended_subscriptions (consumer, pattern, since, reason, undeclared)
  SELECT consumer, pattern, since, ${reason}, ${undeclared} FROM ended WHERE pattern <> ''
  ON CONFLICT (consumer, pattern) DO UPDATE
  SET since = excluded.since, ended_at = excluded.ended_at, reason = excluded.reason, undeclared = excluded.undeclared
), settled AS (
  UPDATE "${schema}".deliveries d SET state = 'dead', due_at = NULL, finished_at = statement_timestamp()
  FROM ended
  WHERE d.consumer = ended.consumer AND d.unhandled_since IS NOT NULL AND d.state = 'retrying'
    AND ended.pattern <> '' AND (d.topic || '.') ~ ended.expression
    AND NOT EXISTS (
      SELECT FROM "${schema}".subscriptions s
      WHERE s.consumer = d.consumer AND s.pattern <> '' AND (d.topic || '.') ~ s.expression
        AND s.pattern NOT IN (SELECT e.pattern FROM ended e WHERE e.consumer = s.consumer)
    )
)
SELECT consumer, pattern FROM ended WHERE pattern <> '' ORDER BY consumer, pattern`;

/** Of `$1`, all but the patterns `$2`; `$3` the reason. */
export const keepSubscriptions = (schema: string): string =>
  ending(schema, 's.consumer = $1 AND s.pattern <> ALL ($2::text[])', '$3');

/** `$1` the consumer, `$2` the pattern, `$3` the reason. */
export const endSubscription = (schema: string): string =>
  ending(schema, `s.consumer = $1 AND s.pattern = $2 AND s.pattern <> ''`, '$3');

/** Those that were undeclared for `$1` ms; `$2` the reason. */
export const endUndeclared = (schema: string): string =>
  ending(schema, `s.undeclared_since <= statement_timestamp() - $1 * interval '1 millisecond'`, '$2', true);

/**
 * Writes down since when no live instance of a role has declared a pattern of it, while there were live ones. None is
 * undeclared as long as a live instance does not tell what it declares: its AgentMQ is of the version before. `$1` is how
 * long a live agent may have been silent, in ms. One process at a time does it; answers whether it was this one.
 */
export const markUndeclared = (schema: string): string => `
WITH turn AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(hashtextextended('agentmq.subscriptions.${schema}', 0)) AS ours
), declared AS MATERIALIZED (
  SELECT 'role.' || r.role AS consumer, h.topic AS pattern
  FROM "${schema}".agents g CROSS JOIN LATERAL json_to_recordset(g.handles) AS h (topic text, scope text, role text)
  CROSS JOIN LATERAL unnest(${rolesOf('g')}) AS r (role)
  WHERE ${live('$1')} AND g.handles_of = g.instance AND h.scope = 'role' AND (h.role IS NULL OR h.role = r.role)
), roles AS MATERIALIZED (
  SELECT 'role.' || r.role AS consumer, bool_and(coalesce(g.handles_of = g.instance, false)) AS told
  FROM "${schema}".agents g CROSS JOIN LATERAL unnest(${rolesOf('g')}) AS r (role)
  WHERE ${live('$1')} GROUP BY r.role
), found AS MATERIALIZED (
  SELECT s.consumer, s.pattern, coalesce((SELECT told FROM roles r WHERE r.consumer = s.consumer), false) AND NOT EXISTS (
    SELECT FROM declared d WHERE d.consumer = s.consumer AND d.pattern = s.pattern
  ) AS undeclared
  FROM "${schema}".subscriptions s WHERE s.consumer LIKE 'role.%' AND s.pattern <> ''
), marked AS (
  UPDATE "${schema}".subscriptions s
  SET undeclared_since = CASE WHEN found.undeclared THEN statement_timestamp() END
  FROM found
  WHERE s.consumer = found.consumer AND s.pattern = found.pattern
    AND found.undeclared <> (s.undeclared_since IS NOT NULL) AND (SELECT ours FROM turn)
)
SELECT ours FROM turn`;

/** The topics of the consumer `$1`, and those that have ended: undeclared, or otherwise. */
export const topicsOf = (schema: string): string => `
SELECT pattern, false AS ended, false AS undeclared FROM "${schema}".subscriptions WHERE consumer = $1 AND pattern <> ''
UNION ALL
SELECT pattern, true, undeclared FROM "${schema}".ended_subscriptions WHERE consumer = $1
ORDER BY pattern`;

/** For people: topics and broadcasts, what has ended included, of the consumer `$1` or of all. */
export const subscriptions = (schema: string): string => `
SELECT consumer, pattern, since, undeclared_since AS "undeclaredSince", NULL::timestamptz AS "endedAt", NULL AS reason
FROM "${schema}".subscriptions WHERE $1::text IS NULL OR consumer = $1
UNION ALL
SELECT consumer, pattern, since, NULL, ended_at, reason
FROM "${schema}".ended_subscriptions WHERE $1::text IS NULL OR consumer = $1
ORDER BY consumer, "endedAt" NULLS FIRST, pattern`;

export const unsubscribe = (schema: string): string => `
WITH ended AS (DELETE FROM "${schema}".ended_subscriptions WHERE consumer = $1)
DELETE FROM "${schema}".subscriptions WHERE consumer = $1`;
