import { clean } from 'agentmq/database';
import type { DeliveryState } from '../deliveries/delivery.js';
import type { Bindings } from '../history/bindings.js';
import type { MessageFilter } from '../history/stored-message.js';
import { messageHead, messageRow } from './message-columns.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** What a page is narrowed down to, beside its filter. */
export interface PageSelection {
  readonly messageId?: string;
  readonly states?: readonly DeliveryState[] | undefined;
}

/** Messages with whether they are published, in the order in which they were stored. */
export function messagePage(
  schema: string,
  filter: MessageFilter,
  { messageId, states }: PageSelection,
  { add }: Bindings,
): string {
  const { after, consumer, received, limit = DEFAULT_LIMIT } = filter;
  const equal = {
    message_id: messageId,
    correlation_id: filter.correlationId,
    trace_id: filter.traceId,
    type: filter.type,
  };
  const deliveries = [
    ...(consumer === undefined ? [] : [`d.consumer = ${add(clean(consumer))}`]),
    ...(states ? [`d.state = ANY (${add(states)}::text[])`] : []),
    ...(states?.includes('dead') && !filter.discarded ? ['d.discarded IS NULL'] : []),
  ];
  const conditions = [
    'true',
    ...Object.entries(equal).flatMap(([column, value]) =>
      value === undefined ? [] : [`m.${column} = ${add(clean(value))}`],
    ),
    ...(received === undefined ? [] : [`m.received = ${add(received)}`]),
    ...(after === undefined ? [] : [isAfter(schema, add(clean(after)))]),
    ...(deliveries.length > 0
      ? [`m.message_id IN (SELECT d.message_id FROM "${schema}".deliveries d WHERE ${deliveries.join(' AND ')})`]
      : []),
  ];
  return `
SELECT ${filter.bodies === false ? messageHead : messageRow}, m.stored_at AS "storedAt", m.received, NOT EXISTS (
    SELECT FROM "${schema}".outbox o WHERE o.message_id = m.message_id
  ) AS published
FROM "${schema}".messages m
WHERE ${conditions.join(' AND ')}
ORDER BY m.stored_at, m.message_id
LIMIT ${add(Math.min(Math.max(limit, 0), MAX_LIMIT))}`;
}

/** Compared in the database: a JavaScript Date would cut off the microseconds. */
const isAfter = (schema: string, id: string): string =>
  `(m.stored_at, m.message_id) > ((SELECT stored_at FROM "${schema}".messages WHERE message_id = ${id}), ${id})`;

export const isStored = (schema: string): string => `SELECT FROM "${schema}".messages WHERE message_id = $1`;

/** Deliveries of messages, as `StoredDelivery` has them. */
export const deliveriesOf = (schema: string): string => `
SELECT message_id AS "messageId", consumer, state, attempt, agent_id AS "agentId", error, history,
  CASE state WHEN 'retrying' THEN due_at END AS "dueAt", received_at AS "receivedAt", finished_at AS "finishedAt", discarded
FROM "${schema}".deliveries
WHERE message_id = ANY ($1::text[])
ORDER BY received_at, consumer`;
