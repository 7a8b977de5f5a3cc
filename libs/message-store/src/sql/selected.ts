import type { Bindings } from '../history/bindings.js';
import type { ReplayPlan } from '../history/replay-plan.js';
import { clean } from 'agentmq/database';
import { topicExpression } from '../subscriptions/topic-expression.js';

/** What a message `m` must fulfil to be replayed. */
export function messageConditions(plan: ReplayPlan, { add }: Bindings): string[] {
  const { messageIds, traceId, type, topic, from, before } = plan;
  return [
    ...(messageIds ? [`m.message_id = ANY (${add(messageIds.map(clean))}::text[])`] : []),
    ...(traceId === undefined ? [] : [`m.trace_id = ${add(clean(traceId))}`]),
    ...(type === undefined ? [] : [`m.type = ${add(clean(type))}`]),
    ...(topic === undefined
      ? []
      : [`m.recipient_kind = 'topic' AND m.recipient || '.' ~ ${add(clean(topicExpression(topic)))}`]),
    ...(from ? [`m.stored_at >= ${add(from.toISOString())}::timestamptz`] : []),
    ...(before ? [`m.stored_at < ${add(before.toISOString())}::timestamptz`] : []),
  ];
}

/** Nothing has happened to a delivery `d` of the message `m` for so long. */
export const quietDelivery = ({ quietMs }: ReplayPlan, { add }: Bindings): string[] =>
  quietMs === undefined
    ? []
    : [
        `greatest(m.stored_at, m.deliver_at, d.due_at, d.leased_until, d.finished_at)
          <= statement_timestamp() - ${add(quietMs)} * interval '1 millisecond'`,
      ];

/** Nothing has happened to the message `m` for so long. */
export const quietMessage = ({ quietMs }: ReplayPlan, { add }: Bindings): string[] =>
  quietMs === undefined
    ? []
    : [`greatest(m.stored_at, m.deliver_at) <= statement_timestamp() - ${add(quietMs)} * interval '1 millisecond'`];

/** A time with all its digits, as a cursor has it: a JavaScript Date would cut off the microseconds. */
export const exactTime = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** The end of a replay's statement: how many were `seen`, how many of these were `done`, and where the next batch begins. */
export const replayed = (done: string, consumer = 'consumer'): string => `
SELECT (SELECT count(*) FROM seen)::integer AS matched, (SELECT count(*) FROM ${done})::integer AS replayed, (
    SELECT json_build_object('storedAt', ${exactTime('stored_at')}, 'messageId', message_id, 'consumer', ${consumer})
    FROM seen ORDER BY place DESC LIMIT 1
  ) AS last`;

/**
 * How long a message `m` lives: what its `ttl` says, or the time that a foreign sender left it; null for ever.
 * `greatest` alone would pass over a null.
 */
export const lifetime = `coalesce(m.ttl_ms * interval '1 millisecond', CASE WHEN m.expires_at IS NOT NULL THEN
        greatest(m.expires_at - coalesce(m.deliver_at, m.sent_at), interval '0')
      END)`;
