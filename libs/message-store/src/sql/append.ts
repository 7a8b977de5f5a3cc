import { storeKeys } from './message-keys.js';
import { insertMessages, MESSAGE_PARAMETERS } from './message-columns.js';

const [OWNER, LEASE, SHARED] = [1, 2, 3].map((offset) => `$${MESSAGE_PARAMETERS + offset}`);
const ofNobody = `(later OR ${LEASE}::float8 IS NULL)`;

/**
 * Stores messages, opens an outbox entry for each that was not there, and a delivery for each consumer that is owed it:
 * all are committed together or not at all. An entry is leased to the sender; that of a message which is to be delivered
 * later, and every entry without a lease, is nobody's (lease 0) until it is due. A row comes back for each entry opened.
 *
 * `SHARED` is false when no message of the batch goes to a topic or to all: subscriptions are then not looked at. They
 * are gone through one by one, each against every message (OFFSET keeps the planner from turning that round): Postgres
 * keeps few compiled expressions.
 */
export const append = (schema: string, isKeyed: boolean): string => `
WITH stored AS (${insertMessages(schema, false)}
  RETURNING message_id, recipient_kind, recipient, deliver_at > statement_timestamp() AS later, deliver_at, stored_at
)${isKeyed ? storeKeys(schema, MESSAGE_PARAMETERS + 3) : ''}, owed AS (
  INSERT INTO "${schema}".deliveries (message_id, consumer, state, attempt, stored_at)
  SELECT message_id, consumer, 'pending', 0, stored_at
  FROM (
    SELECT message_id, recipient_kind || '.' || recipient AS consumer, stored_at
    FROM stored WHERE recipient_kind IN ('role', 'agent')
    UNION
    SELECT published.message_id, s.consumer, published.stored_at
    FROM "${schema}".subscriptions s CROSS JOIN LATERAL (
      SELECT message_id, stored_at FROM stored
      WHERE CASE recipient_kind
        WHEN 'topic' THEN s.pattern <> '' AND (recipient || '.') ~ s.expression
        WHEN 'broadcast' THEN s.pattern = ''
      END
      OFFSET 0
    ) AS published
    WHERE ${SHARED}::boolean
  ) AS consumers
  ORDER BY message_id, consumer
  ON CONFLICT (message_id, consumer) DO NOTHING
)
INSERT INTO "${schema}".outbox (message_id, target, due_at, lease, leased_by, scheduled)
SELECT message_id,
  CASE recipient_kind
    WHEN 'broadcast' THEN 'broadcast'
    WHEN 'topic' THEN 'topic:' || recipient
    ELSE recipient_kind || '.' || recipient
  END,
  CASE WHEN later THEN deliver_at ELSE statement_timestamp() + coalesce(${LEASE}::float8, 0) * interval '1 millisecond' END,
  CASE WHEN ${ofNobody} THEN 0 ELSE 1 END,
  CASE WHEN ${ofNobody} THEN NULL ELSE ${OWNER} END,
  coalesce(later, false)
FROM stored
RETURNING message_id AS "messageId", id::text AS id, lease`;

/** The entries that an owner holds already: what an `append` that is repeated after a broken connection answers. */
export const ownEntries = (schema: string): string => `
SELECT message_id AS "messageId", id::text AS id, lease
FROM "${schema}".outbox
WHERE message_id = ANY ($1::text[]) AND leased_by = $2 AND consumer IS NULL`;
