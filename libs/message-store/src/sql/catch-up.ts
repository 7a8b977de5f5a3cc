import type { Bindings } from '../history/bindings.js';
import type { ReplayPlan } from '../history/replay-plan.js';
import { clean } from 'agentmq/database';
import {
  errorConditions,
  lifetime,
  messageConditions,
  previewed,
  quietDelivery,
  quietMessage,
  replayed,
} from './selected.js';

/**
 * Delivers messages to a consumer (`to`) that has none of them: each gets a delivery and an outbox entry of its own, in
 * the order of time. What it has, in whatever state, is passed over; so of two at once, one inserts. What was not stored
 * before it was sent is no consumer's history.
 */
export function catchUp(schema: string, plan: ReplayPlan, to: string, bindings: Bindings): string {
  const { add } = bindings;
  const { after } = plan;
  const consumer = add(clean(to));
  const conditions = [
    'NOT m.transient',
    ...messageConditions(plan, bindings),
    ...sourceConditions(schema, plan, bindings),
    ...(after
      ? [
          `(m.stored_at, m.message_id) > (${add(after.storedAt)}::timestamptz, ${add(after.messageId)})`,
          `m.stored_at >= ${add(after.storedAt)}::timestamptz`,
        ]
      : []),
  ];
  const ready = `
WITH seen AS MATERIALIZED (
  SELECT m.message_id, m.type, m.stored_at, greatest(statement_timestamp(), m.deliver_at) AS due_at, ${lifetime} AS lifetime,
    row_number() OVER (ORDER BY m.stored_at, m.message_id) AS place
  FROM "${schema}".messages m
  WHERE ${conditions.join(' AND ')}
  ORDER BY m.stored_at, m.message_id
  LIMIT ${add(plan.limit)}
), ready AS MATERIALIZED (
  SELECT * FROM seen
  WHERE (
    SELECT true FROM "${schema}".deliveries d WHERE d.message_id = seen.message_id AND d.consumer = ${consumer}
  ) IS NULL
)`;
  if (plan.dryRun) return `${ready}${previewed('ready', consumer)}`;
  return `${ready}, owed AS (
  INSERT INTO "${schema}".deliveries (message_id, consumer, state, attempt, due_at, expires_at, stored_at)
  SELECT message_id, ${consumer}, 'pending', 0, due_at, due_at + lifetime, stored_at FROM ready ORDER BY message_id
  ON CONFLICT (message_id, consumer) DO NOTHING
  RETURNING message_id
), opened AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease, scheduled)
  SELECT message_id, ${consumer}, ${consumer}, due_at, 1, due_at > statement_timestamp()
  FROM ready JOIN owed USING (message_id)
  ORDER BY stored_at, message_id
)${replayed('owed', consumer)}`;
}

/** Messages by their deliveries at others, if any are named; else all, those that nobody was owed included. */
function sourceConditions(schema: string, plan: ReplayPlan, bindings: Bindings): string[] {
  const { consumer, states } = plan;
  if (!states) return quietMessage(plan, bindings);
  const conditions = [
    'd.message_id = m.message_id',
    `d.state = ANY (${bindings.add(states)}::text[])`,
    ...(consumer === undefined ? [] : [`d.consumer = ${bindings.add(clean(consumer))}`]),
    ...errorConditions(schema, plan, bindings),
    ...quietDelivery(plan, bindings),
  ];
  return [`(SELECT true FROM "${schema}".deliveries d WHERE ${conditions.join(' AND ')} LIMIT 1)`];
}
