import type { Bindings } from '../history/bindings.js';
import type { ReplayPlan } from '../history/replay-plan.js';
import { clean } from 'agentmq/database';
import { seen } from './replay.js';
import { exactTime, lifetime, previewed, replayed } from './selected.js';

/**
 * Makes deliveries another consumer's (`to`), with an entry each; what that consumer has already, in whatever state, it
 * keeps as it is. At the old one each ends as a discarded dead letter that says where it went: a copy that is still in the
 * old consumer's queue, or under way to it, is then settled there, and dropped. As with a replay, a delivery that another
 * changed since this statement began is left alone.
 */
export function move(schema: string, plan: ReplayPlan, to: string, bindings: Bindings): string {
  const { add } = bindings;
  const found = seen(schema, plan, bindings);
  if (plan.dryRun) return `${found}${previewed('seen')}`;
  const consumer = add(clean(to));
  const reason = add(`moved to ${clean(to)}`);
  return `${found}, locked AS MATERIALIZED (
  SELECT seen.stored_at, seen.state IN ('dead', 'expired') AS anew, d.*
  FROM seen CROSS JOIN LATERAL (
    SELECT d.message_id, d.consumer, d.attempt, d.failures, d.crashes, d.history, d.error, d.received_at, d.expires_at, d.ctid AS at
    FROM "${schema}".deliveries d
    WHERE d.message_id = seen.message_id AND d.consumer = seen.consumer AND d.xmin = seen.version
    FOR UPDATE SKIP LOCKED
  ) AS d
), given AS (
  INSERT INTO "${schema}".deliveries
    (message_id, consumer, state, attempt, failures, crashes, history, error, received_at, due_at, expires_at, stored_at)
  SELECT locked.message_id, ${consumer}, 'pending', attempt,
    CASE WHEN anew THEN 0 ELSE failures END, CASE WHEN anew THEN 0 ELSE crashes END,
    CASE WHEN NOT anew THEN history END, CASE WHEN NOT anew THEN error END, received_at,
    greatest(statement_timestamp(), m.deliver_at),
    CASE WHEN anew THEN greatest(statement_timestamp(), m.deliver_at) + ${lifetime} ELSE locked.expires_at END,
    locked.stored_at
  FROM locked JOIN "${schema}".messages m USING (message_id)
  ORDER BY locked.message_id
  ON CONFLICT (message_id, consumer) DO NOTHING
  RETURNING message_id, due_at
), taken AS (
  UPDATE "${schema}".deliveries SET state = 'dead', due_at = NULL, leased_until = NULL, finished_at = statement_timestamp(),
    error = json_build_object('name', 'MovedError', 'code', 'MOVED', 'message', ${reason}::text, 'retryable', false),
    discarded = json_build_object('at', ${exactTime('statement_timestamp()')}, 'reason', ${reason}::text)
  WHERE ctid = ANY (ARRAY(SELECT at FROM locked))
), closed AS (
  DELETE FROM "${schema}".outbox WHERE id = ANY (ARRAY(
    SELECT o.id FROM locked CROSS JOIN LATERAL (
      SELECT o.id FROM "${schema}".outbox o
      WHERE o.message_id = locked.message_id AND coalesce(o.consumer, o.target) = locked.consumer
      OFFSET 0
    ) AS o
  ))
), opened AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease, scheduled)
  SELECT message_id, ${consumer}, ${consumer}, due_at, 1, due_at > statement_timestamp()
  FROM given JOIN locked USING (message_id)
  ORDER BY stored_at, message_id
)${replayed('locked')}`;
}
