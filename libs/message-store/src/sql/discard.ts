import { clean } from 'agentmq/database';
import type { Bindings } from '../history/bindings.js';
import type { ReplayPlan } from '../history/replay-plan.js';
import { seen } from './replay.js';
import { exactTime, previewed, replayed } from './selected.js';

/**
 * Discards deliveries (`$1` message ids, `$2` consumers, `$3` the reason) that are in one of the states `$4`, and tells which it has
 * discarded: one that was discarded before keeps its reason. Locked in the order of the key, so that two batches can't deadlock. Of two
 * transactions at once, the second waits for the lock and then does not see the version that the first has written: it changes nothing.
 */
export const discard = (schema: string): string => `
WITH asked AS MATERIALIZED (
  SELECT ord, message_id, consumer
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (message_id, consumer, ord)
), dead AS MATERIALIZED (
  SELECT d.at
  FROM (SELECT DISTINCT message_id, consumer FROM asked ORDER BY message_id, consumer) AS a
  CROSS JOIN LATERAL (
    SELECT d.ctid AS at
    FROM "${schema}".deliveries d
    WHERE d.message_id = a.message_id AND d.consumer = a.consumer AND d.state = ANY ($4::text[])
    FOR UPDATE
  ) AS d
), discarded AS (
  UPDATE "${schema}".deliveries
  SET discarded = json_build_object('at', ${exactTime('statement_timestamp()')}, 'reason', $3::text)
  WHERE ctid = ANY (ARRAY(SELECT at FROM dead)) AND discarded IS NULL
  RETURNING message_id, consumer
)
SELECT discarded.message_id IS NOT NULL AS discarded
FROM asked LEFT JOIN discarded USING (message_id, consumer)
ORDER BY asked.ord`;

/** Discards the dead letters that the plan selects, as {@link discard} does; one that another changed meanwhile is left alone. */
export function discardSelected(schema: string, plan: ReplayPlan, reason: string, bindings: Bindings): string {
  const found = seen(schema, plan, bindings);
  if (plan.dryRun) return `${found}${previewed('seen')}`;
  return `${found}, locked AS MATERIALIZED (
  SELECT d.at
  FROM seen CROSS JOIN LATERAL (
    SELECT d.ctid AS at FROM "${schema}".deliveries d
    WHERE d.message_id = seen.message_id AND d.consumer = seen.consumer AND d.xmin = seen.version AND d.discarded IS NULL
    FOR UPDATE SKIP LOCKED
  ) AS d
), discarded AS (
  UPDATE "${schema}".deliveries
  SET discarded = json_build_object('at', ${exactTime('statement_timestamp()')}, 'reason', ${bindings.add(clean(reason))}::text)
  WHERE ctid = ANY (ARRAY(SELECT at FROM locked))
)${replayed('locked')}`;
}
