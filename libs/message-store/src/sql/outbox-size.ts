/** The targets that could not take what was published to them: an index of these alone. */
export const refusing = (schema: string): string => `
refusing AS MATERIALIZED (
  SELECT target, min(refused_at) AS since FROM "${schema}".outbox WHERE refused_at IS NOT NULL GROUP BY target
)`;

/**
 * The columns of entries that are due, or are leased or put off since they were: by an index each, so that what is scheduled and
 * not due yet, which may be a million delayed sends, is not read. With `first`, of each kind those that are due first.
 */
export const begun = (schema: string, columns: string, condition: string, first?: number): string => {
  const entries = `SELECT ${columns} FROM "${schema}".outbox o WHERE ${condition}`;
  const limit = first === undefined ? '' : `ORDER BY due_at LIMIT ${first}`;
  return `(${entries} AND due_at <= statement_timestamp() ${limit})
    UNION ALL (${entries} AND NOT scheduled AND due_at > statement_timestamp() ${limit})`;
};

/** Of an entry `o`. */
export const NOT_REFUSED = 'NOT EXISTS (SELECT FROM refusing r WHERE r.target = o.target)';

/** Counts no further than `$1`. What is scheduled, and not due yet, is no backlog; nor is what waits for one full inbox. */
export const outboxSize = (schema: string): string => `
WITH ${refusing(schema)}
SELECT count(*)::float8 AS size
FROM (SELECT FROM (${begun(schema, '', NOT_REFUSED)}) AS entries LIMIT $1) AS counted`;

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
