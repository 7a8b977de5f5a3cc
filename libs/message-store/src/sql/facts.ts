import { HEADER } from 'agentmq/protocol';
import { errorHead } from './search.js';

/** The message `$1`, and the moment; no row where there is none. */
export const factsOfMessage = (schema: string): string => `
SELECT statement_timestamp() AS now, m.type, m.version::float8 AS version, m.recipient_kind AS kind, m.recipient AS name,
  m.headers ->> '${HEADER.recipient}' AS "sentTo", m.stored_at AS "storedAt", m.expires_at AS "expiresAt"
FROM "${schema}".messages m WHERE m.message_id = $1`;

/**
 * The open outbox entries of the message `$1`. A copy for one consumer waits behind what its inbox has refused before, without having been
 * refused itself: it is told as those are.
 */
export const factsOfEntries = (schema: string): string => `
SELECT o.target, o.consumer, o.due_at AS "dueAt", o.scheduled, o.leased_by AS "leasedBy",
  coalesce(o.last_error, refusal.last_error) AS "lastError", coalesce(o.refused_at, refusal.refused_at) AS "refusedAt"
FROM "${schema}".outbox o LEFT JOIN LATERAL (
  SELECT r.refused_at, r.last_error FROM "${schema}".outbox r
  WHERE r.target = o.target AND r.refused_at IS NOT NULL
  ORDER BY r.refused_at LIMIT 1
) AS refusal ON o.consumer IS NOT NULL AND o.refused_at IS NULL
WHERE o.message_id = $1 ORDER BY o.id LIMIT 1000`;

/** The deliveries of the message `$1`: what has not ended first. */
export const factsOfDeliveries = (schema: string): string => `
SELECT d.consumer, d.state, d.attempt, d.agent_id AS "agentId", d.leased_until AS "leasedUntil", d.due_at AS "dueAt",
  d.expires_at AS "expiresAt", d.unhandled_since AS "unhandledSince", d.forwarded_to AS "forwardedTo", ${errorHead} AS error,
  d.discarded, d.received_at AS "receivedAt", d.finished_at AS "finishedAt"
FROM "${schema}".deliveries d WHERE d.message_id = $1
ORDER BY d.finished_at IS NOT NULL, d.consumer LIMIT 1000`;
