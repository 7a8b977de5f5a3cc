/** Counts no further than `$1`. What is scheduled, and not due yet, is no backlog. */
export const outboxSize = (schema: string): string => `
SELECT count(*)::float8 AS size
FROM (
  SELECT FROM "${schema}".outbox WHERE NOT scheduled OR due_at <= statement_timestamp() LIMIT $1
) AS entries`;
