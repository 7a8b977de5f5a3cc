import { storeKeys } from './message-keys.js';

/** The columns of `messages` that a sender fills, each with its type, in the order of `messageParameters`. */
const stored = [
  ['message_id', 'text'],
  ['sender', 'text'],
  ['recipient_kind', 'text'],
  ['recipient', 'text'],
  ['correlation_id', 'text'],
  ['causation_id', 'text'],
  ['sent_at', 'timestamptz'],
  ['type', 'text'],
  ['version', 'bigint'],
  ['priority', 'smallint'],
  ['ttl_ms', 'bigint'],
  ['deliver_at', 'timestamptz'],
  ['expires_at', 'timestamptz'],
  ['traceparent', 'text'],
  ['tracestate', 'text'],
  ['reply_to', 'text'],
  ['transient', 'boolean'],
  ['content_type', 'text'],
  ['headers', 'json'],
  ['body', 'text'],
  ['body_encoding', 'text'],
] as const;

/** How many parameters `insertMessages` takes, from `$1` on: one array a column. */
export const MESSAGE_PARAMETERS = stored.length;

const fields = stored.map(
  ([column]) => `m.${column} AS "${column.replace(/_./g, (part) => part.charAt(1).toUpperCase())}"`,
);

/** The columns of a `MessageRow`, of the table aliased `m`. */
export const messageRow = fields.join(', ');
/** The same without the body. */
export const messageHead = fields.filter((field) => !field.startsWith('m.body ')).join(', ');

const columns = stored.map(([column]) => column).join(', ');
const arrays = stored.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');

/**
 * One array a column and `unnest`: one plan whatever the number of rows, and half the time of a VALUES list. The rows
 * come sorted by id, so that two batches with ids in common wait for each other in one order and can't deadlock.
 * `received`: they came over the wire.
 */
export const insertMessages = (schema: string, received: boolean): string => `
  INSERT INTO "${schema}".messages (${columns}, received)
  SELECT *, ${received} FROM unnest(${arrays})
  ON CONFLICT (message_id) DO NOTHING`;

/**
 * Stores messages that came over the wire, and answers of each whether what is stored under its id has its content: null
 * when another has stored one since this statement began, which is then to be asked again.
 */
export const record = (schema: string, isKeyed: boolean): string => `
WITH given AS MATERIALIZED (
  SELECT * FROM unnest(${arrays}) WITH ORDINALITY AS given (${columns}, ord)
), stored AS (
  INSERT INTO "${schema}".messages (${columns}, received)
  SELECT ${columns}, true FROM given
  ON CONFLICT (message_id) DO NOTHING
  RETURNING message_id, stored_at
)${isKeyed ? storeKeys(schema, MESSAGE_PARAMETERS) : ''}
SELECT message_id AS "messageId", message_id IN (SELECT message_id FROM stored) OR (
  SELECT m.type = g.type AND m.version = g.version AND m.body_encoding = g.body_encoding AND m.body = g.body
  FROM "${schema}".messages m WHERE m.message_id = g.message_id
) AS same
FROM given g
ORDER BY ord`;
