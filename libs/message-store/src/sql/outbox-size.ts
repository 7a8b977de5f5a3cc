/** The targets that could not take what was published to them: an index of these alone. */
export const refusing = (schema: string): string => `
refusing AS MATERIALIZED (
  SELECT target, min(refused_at) AS since FROM "${schema}".outbox WHERE refused_at IS NOT NULL GROUP BY target
)`;

/** Counts no further than `$1`. What is scheduled, and not due yet, is no backlog; nor is what waits for one full inbox. */
export const outboxSize = (schema: string): string => `
WITH ${refusing(schema)}
SELECT count(*)::float8 AS size
FROM (
  SELECT FROM "${schema}".outbox o
  WHERE (NOT scheduled OR due_at <= statement_timestamp())
    AND NOT EXISTS (SELECT FROM refusing r WHERE r.target = o.target)
  LIMIT $1
) AS entries`;

/** At most `$1` targets, those with the most entries first. */
export const refusals = (schema: string): string => `
WITH ${refusing(schema)}
SELECT target, since, count(*)::float8 AS entries
FROM refusing JOIN "${schema}".outbox USING (target)
GROUP BY target, since
ORDER BY entries DESC, target
LIMIT $1`;

/** In how many ms the first entry is due; below 0 when it is overdue, null when there is none. */
export const nextDue = (schema: string): string => `
SELECT (extract(epoch FROM min(due_at) - statement_timestamp()) * 1000)::float8 AS ms FROM "${schema}".outbox`;
