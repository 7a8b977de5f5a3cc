import type { Bindings } from '../history/bindings.js';
import type { ReplayPlan } from '../history/replay-plan.js';
import { clean } from 'agentmq/database';
import { errorConditions, lifetime, messageConditions, previewed, quietDelivery, replayed } from './selected.js';

/**
 * Puts deliveries on their way again, or (dry run) counts them. What is completed, or is on its way already, is passed
 * over: a pending delivery by the message's first entry, any other by an entry of its own.
 *
 * A delivery that another changed since this statement began (claimed, settled, replayed) is left alone: `xmin`, the
 * transaction that wrote the row, is then another one. So of two replays at once, one opens the entry, though neither
 * sees the other's. Locked and changed rows are found one by one, whatever the planner believes about the tables.
 */
export function replay(schema: string, plan: ReplayPlan, bindings: Bindings): string {
  const ready = `${seen(schema, plan, bindings)}, ready AS MATERIALIZED (
  SELECT * FROM seen
  WHERE state IN ('dead', 'expired') OR state <> 'completed' AND NOT (
    SELECT coalesce(bool_or(o.consumer = seen.consumer OR o.consumer IS NULL AND seen.state = 'pending'), false)
    FROM "${schema}".outbox o WHERE o.message_id = seen.message_id
  )
)`;
  if (plan.dryRun) return `${ready}${previewed('ready')}`;
  return `${ready}, locked AS MATERIALIZED (
  SELECT ready.*, d.at
  FROM ready CROSS JOIN LATERAL (
    SELECT d.ctid AS at FROM "${schema}".deliveries d
    WHERE d.message_id = ready.message_id AND d.consumer = ready.consumer AND d.xmin = ready.version
    FOR UPDATE SKIP LOCKED
  ) AS d
), marked AS (
  UPDATE "${schema}".deliveries SET due_at = statement_timestamp()
  WHERE ctid = ANY (ARRAY(SELECT at FROM locked WHERE state NOT IN ('dead', 'expired')))
), begun AS (
  UPDATE "${schema}".deliveries d
  SET state = 'pending', failures = 0, crashes = 0, history = NULL, error = NULL, discarded = NULL,
    unhandled_since = NULL, forwarded_to = NULL,
    leased_until = NULL, finished_at = NULL, due_at = statement_timestamp(),
    expires_at = (
      SELECT statement_timestamp() + ${lifetime} FROM "${schema}".messages m WHERE m.message_id = d.message_id
    )
  WHERE ctid = ANY (ARRAY(SELECT at FROM locked WHERE state IN ('dead', 'expired')))
), opened AS (
  INSERT INTO "${schema}".outbox (message_id, target, consumer, due_at, lease)
  SELECT message_id, consumer, consumer, statement_timestamp(), 1
  FROM locked
  WHERE NOT (
    SELECT coalesce(bool_or(o.consumer = locked.consumer), false)
    FROM "${schema}".outbox o WHERE o.message_id = locked.message_id
  )
  ORDER BY stored_at, message_id, consumer
)${replayed('locked')}`;
}

/** The deliveries that the plan selects, as the first part of a statement. */
export const seen = (schema: string, plan: ReplayPlan, bindings: Bindings): string =>
  byTime(plan) ? seenByTime(schema, plan, bindings) : seenByConsumer(schema, plan, bindings);

/** What is completed, or few messages, is read in the order of time; all else by what consumers have not completed. */
const byTime = ({ states, messageIds, traceId }: ReplayPlan): boolean =>
  messageIds !== undefined || traceId !== undefined || (states ?? []).includes('completed');

const ofDelivery = 'd.message_id, d.consumer, d.state, d.xmin AS version, m.type';

const free = `(d.state <> 'processing' OR d.leased_until IS NULL OR d.leased_until <= statement_timestamp())`;

/** What was discarded is put on its way only by name. */
const wanted = ({ messageIds, undiscarded }: ReplayPlan): string[] =>
  messageIds === undefined || undiscarded ? ['d.discarded IS NULL'] : [];

function seenByTime(schema: string, plan: ReplayPlan, bindings: Bindings): string {
  const { add } = bindings;
  const { after, consumer } = plan;
  const conditions = [
    ...messageConditions(plan, bindings),
    `d.state = ANY (${add(plan.states)}::text[])`,
    free,
    ...wanted(plan),
    ...errorConditions(schema, plan, bindings),
    ...quietDelivery(plan, bindings),
    ...(consumer === undefined ? [] : [`d.consumer = ${add(clean(consumer))}`]),
    ...(after
      ? [
          `(m.stored_at, m.message_id, d.consumer) > (${add(after.storedAt)}::timestamptz, ${add(after.messageId)}, ${add(after.consumer)})`,
          `m.stored_at >= ${add(after.storedAt)}::timestamptz`,
        ]
      : []),
  ];
  return `
WITH seen AS MATERIALIZED (
  SELECT ${ofDelivery}, m.stored_at, row_number() OVER (ORDER BY m.stored_at, m.message_id, d.consumer) AS place
  FROM "${schema}".messages m JOIN "${schema}".deliveries d ON d.message_id = m.message_id
  WHERE ${conditions.join(' AND ')}
  ORDER BY m.stored_at, m.message_id, d.consumer
  LIMIT ${add(plan.limit)}
)`;
}

/**
 * In the order of time. Each consumer's deliveries in each state are read in the index's own order
 * and no further than the limit, so that a batch costs the same however many wait. Where no consumer is named, they are
 * found by skipping through the same index.
 */
function seenByConsumer(schema: string, plan: ReplayPlan, bindings: Bindings): string {
  const { add } = bindings;
  const { after } = plan;
  const limit = add(plan.limit);
  const conditions = [
    ...messageConditions(plan, bindings),
    free,
    ...wanted(plan),
    ...errorConditions(schema, plan, bindings),
    ...quietDelivery(plan, bindings),
    ...(after
      ? [
          `d.stored_at >= ${add(after.storedAt)}::timestamptz`,
          `(d.stored_at, d.message_id, d.consumer) > (${add(after.storedAt)}::timestamptz, ${add(after.messageId)}, ${add(after.consumer)})`,
        ]
      : []),
  ];
  return `
${consumersNamed(schema, plan.consumer, bindings)}, seen AS MATERIALIZED (
  SELECT d.*, row_number() OVER (ORDER BY d.stored_at, d.message_id, d.consumer) AS place
  FROM consumers c
  CROSS JOIN unnest(${add(plan.states)}::text[]) AS s (state)
  CROSS JOIN LATERAL (
    SELECT ${ofDelivery}, d.stored_at
    FROM "${schema}".deliveries d JOIN "${schema}".messages m ON m.message_id = d.message_id
    WHERE d.state <> 'completed' AND d.consumer = c.consumer AND d.state = s.state AND ${conditions.join(' AND ')}
    ORDER BY d.stored_at, d.message_id
    LIMIT ${limit}
  ) AS d
  ORDER BY d.stored_at, d.message_id, d.consumer
  LIMIT ${limit}
)`;
}

/** The consumer named, or all that have something which is not completed, found by skipping through the index: a statement's beginning. */
export function consumersNamed(schema: string, consumer: string | undefined, { add }: Bindings): string {
  const next = (more: string): string => `(
    SELECT d.consumer FROM "${schema}".deliveries d
    WHERE d.state <> 'completed'${more} ORDER BY d.consumer LIMIT 1
  )`;
  const consumers =
    consumer === undefined
      ? `${next('')} UNION ALL
    SELECT ${next(' AND d.consumer > c.consumer')} FROM consumers c WHERE c.consumer IS NOT NULL`
      : `SELECT ${add(clean(consumer))}::text COLLATE "C"`;
  return `WITH RECURSIVE consumers (consumer) AS (
    ${consumers}
)`;
}
