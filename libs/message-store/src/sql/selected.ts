import type { Bindings } from '../history/bindings.js';
import type { ReplayPlan } from '../history/replay-plan.js';
import type { ReplaySelection } from '../history/replay-selection.js';
import { clean } from 'agentmq/database';
import { topicExpression } from '../subscriptions/topic-expression.js';

/** What a message `m` must fulfil to be replayed. */
export function messageConditions(plan: ReplaySelection, { add }: Bindings): string[] {
  const { messageIds, traceId, type, version, topic, from, before } = plan;
  return [
    ...(messageIds ? [`m.message_id = ANY (${add(messageIds.map(clean))}::text[])`] : []),
    ...(traceId === undefined ? [] : [`m.trace_id = ${add(clean(traceId))}`]),
    ...(type === undefined ? [] : [`m.type = ${add(clean(type))}`]),
    ...(version === undefined ? [] : [`m.version = ${add(version)}`]),
    ...(topic === undefined
      ? []
      : [`m.recipient_kind = 'topic' AND m.recipient || '.' ~ ${add(clean(topicExpression(topic)))}`]),
    ...(from ? [`m.stored_at >= ${add(from.toISOString())}::timestamptz`] : []),
    ...(before ? [`m.stored_at < ${add(before.toISOString())}::timestamptz`] : []),
  ];
}

/** What the error of a delivery `d` must be. The state is named for the sake of the index of dead letters. */
export function errorConditions(
  schema: string,
  { errorGroup, error }: Pick<ReplaySelection, 'errorGroup' | 'error'>,
  { add }: Bindings,
): string[] {
  return [
    ...(errorGroup === undefined
      ? []
      : [`d.state = 'dead'`, 'd.discarded IS NULL', `"${schema}".error_group(d.error) = ${add(clean(errorGroup))}`]),
    // in the text of the JSON: reading its parts fails at escapes that Postgres has no text for
    ...(error === undefined
      ? []
      : [`position(lower(${add(clean(JSON.stringify(error).slice(1, -1)))}) IN lower(d.error::text)) > 0`]),
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

/** The same of a dry run, with what it would do to which. */
export const previewed = (done: string, consumer = 'consumer'): string => `${replayed(done, consumer)}, (
    SELECT coalesce(json_agg(json_build_object('consumer', c.consumer, 'type', c.type, 'count', c.count)), '[]')
    FROM (SELECT ${consumer}::text AS consumer, type, count(*)::integer AS count FROM ${done} GROUP BY 1, 2) AS c
  ) AS counts, (
    SELECT coalesce(json_agg(s.message_id), '[]') FROM (SELECT message_id FROM ${done} ORDER BY place LIMIT ${SAMPLE}) AS s
  ) AS sample`;

/** The ids that a dry run tells. */
const SAMPLE = 20;

/**
 * How long a message `m` lives: what its `ttl` says, or the time that a foreign sender left it; null for ever.
 * `greatest` alone would pass over a null.
 */
export const lifetime = `coalesce(m.ttl_ms * interval '1 millisecond', CASE WHEN m.expires_at IS NOT NULL THEN
        greatest(m.expires_at - coalesce(m.deliver_at, m.sent_at), interval '0')
      END)`;
