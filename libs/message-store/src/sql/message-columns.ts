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

/** The columns of a `MessageRow`, of the table aliased `m`. */
export const messageRow = stored
  .map(([column]) => `m.${column} AS "${column.replace(/_./g, (part) => part.charAt(1).toUpperCase())}"`)
  .join(', ');

/**
 * One array a column and `unnest`: one plan whatever the number of rows, and half the time of a VALUES list. The rows
 * come sorted by id, so that two batches with ids in common wait for each other in one order and can't deadlock.
 */
export const insertMessages = (schema: string): string => `
  INSERT INTO "${schema}".messages (${stored.map(([column]) => column).join(', ')})
  SELECT * FROM unnest(${stored.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')})
  ON CONFLICT (message_id) DO NOTHING`;
