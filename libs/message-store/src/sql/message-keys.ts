/**
 * A part of a statement that has `stored`, with the messages that it stored: their keys, of the three arrays after `$<before>`
 * (message ids, names, values).
 */
export const storeKeys = (schema: string, before: number): string => `, named AS (
  INSERT INTO "${schema}".message_keys (message_id, name, value, stored_at)
  SELECT k.message_id, k.name, k.value, stored.stored_at
  FROM unnest($${before + 1}::text[], $${before + 2}::text[], $${before + 3}::text[]) AS k (message_id, name, value)
  JOIN stored USING (message_id)
)`;

/** The keys of the messages `$1`. */
export const keysOfMessages = (schema: string): string => `
SELECT message_id AS "messageId", name, value FROM "${schema}".message_keys
WHERE message_id = ANY ($1::text[])
ORDER BY message_id, name`;
