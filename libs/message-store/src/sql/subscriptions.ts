/** Processes of one consumer subscribe one after the other: theirs may differ, and what each changes is more than a row. */
export const lockSubscriptions = (schema: string): string =>
  `LOCK TABLE "${schema}".subscriptions IN SHARE ROW EXCLUSIVE MODE`;

/** `$2` the patterns, '' for broadcasts among them; answers those that are gone. */
export const dropSubscriptions = (schema: string): string => `
DELETE FROM "${schema}".subscriptions WHERE consumer = $1 AND pattern <> ALL ($2::text[]) RETURNING pattern`;

/** What is there already keeps the time it began. */
export const addSubscriptions = (schema: string): string => `
INSERT INTO "${schema}".subscriptions (consumer, pattern, expression)
SELECT DISTINCT $1, pattern, expression FROM unnest($2::text[], $3::text[]) AS added (pattern, expression)
ON CONFLICT (consumer, pattern) DO UPDATE SET expression = excluded.expression, orphaned_at = NULL
WHERE subscriptions.expression <> excluded.expression OR subscriptions.orphaned_at IS NOT NULL`;

export const unsubscribe = (schema: string): string => `
DELETE FROM "${schema}".subscriptions WHERE consumer = $1`;
