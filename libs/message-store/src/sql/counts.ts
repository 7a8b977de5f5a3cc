/** Exact, of one moment; a scan of the primary keys. */
export const counts = (schema: string): string => `
SELECT
  (SELECT count(*) FROM "${schema}".messages)::float8 AS messages,
  (SELECT count(*) FROM "${schema}".outbox)::float8 AS outbox,
  count(*) FILTER (WHERE state = 'pending')::float8 AS pending,
  count(*) FILTER (WHERE state = 'processing')::float8 AS processing,
  count(*) FILTER (WHERE state = 'retrying')::float8 AS retrying,
  count(*) FILTER (WHERE state = 'completed')::float8 AS completed,
  count(*) FILTER (WHERE state = 'dead')::float8 AS dead,
  count(*) FILTER (WHERE state = 'expired')::float8 AS expired
FROM "${schema}".deliveries`;
