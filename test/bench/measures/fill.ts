import type { Client } from 'pg';

export interface History {
  /** Messages, each with its completed delivery. */
  readonly count: number;
  /** They are stored at even distances over so many days, until now. */
  readonly days: number;
}

/** Rows of one statement. */
const CHUNK = 250_000;

const TABLES = ['messages', 'deliveries'] as const;

/**
 * Fills a migrated, empty schema with settled messages to a few roles: bodies of 200 bytes, ids that are UUIDv7, several
 * types, a trace for every three. Secondary indexes are made at the end, which is several times as fast; then the tables
 * are vacuumed and analyzed, as a server's own autovacuum would have done.
 */
export async function fill(
  client: Client,
  schema: string,
  history: History,
  report: (text: string) => void,
): Promise<void> {
  const indexes = await secondaryIndexes(client, schema);
  for (const { name } of indexes) await client.query(`DROP INDEX "${schema}".${name}`);
  const { rows } = await client.query<{ now: string }>('SELECT extract(epoch FROM now()) * 1000 AS now');
  const end = Math.floor(Number(rows[0]?.now));
  for (let first = 0; first < history.count; first += CHUNK) {
    const last = Math.min(first + CHUNK, history.count) - 1;
    const stepMs = (history.days * 86_400_000) / history.count;
    await client.query(messages(schema), [first, last, end - history.count * stepMs, stepMs]);
    if ((last + 1) % (CHUNK * 8) === 0) report(`${(last + 1).toLocaleString('en')} messages`);
  }
  await client.query(deliveries(schema));
  report('deliveries');
  await client.query(`SET maintenance_work_mem = '1GB'`);
  for (const { definition } of indexes) await client.query(definition);
  report('indexes');
  for (const table of TABLES) await client.query(`VACUUM (FREEZE, ANALYZE) "${schema}".${table}`);
}

async function secondaryIndexes(client: Client, schema: string): Promise<{ name: string; definition: string }[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE schemaname = $1 AND tablename = ANY ($2::text[]) AND indexname NOT LIKE '%_pkey'`,
    [schema, TABLES],
  );
  return rows;
}

/** `$1` and `$2` the first and last number, `$3` when number 0 was stored (ms since 1970), `$4` the ms between two. */
const messages = (schema: string): string => `
INSERT INTO "${schema}".messages (message_id, sender, recipient_kind, recipient, correlation_id, sent_at, type, version,
  priority, ttl_ms, expires_at, traceparent, transient, content_type, body, body_encoding, stored_at)
SELECT ${uuid('ms', 'n', 'md5(n::text)')}, 'coordinator-1', 'role', 'worker-' || n % 4,
  CASE WHEN n % 10 = 0 THEN md5('correlation' || n) END, to_timestamp(ms / 1000), 'type_' || n % 20, 1,
  5, 3600000, to_timestamp(ms / 1000) + interval '1 hour',
  '00-' || replace(${uuid('ms', 'n / 3', `md5((n / 3)::text)`)}, '-', '')
    || '-' || substr(md5('span' || n), 1, 16) || '-01',
  false, 'application/json', '{"n":' || n || ',"text":"' || repeat(md5(n::text), 5) || '"}', 'utf8',
  to_timestamp(ms / 1000) + interval '2 ms'
FROM generate_series($1::bigint, $2::bigint) AS n, LATERAL (SELECT floor($3::float8 + n * $4::float8) AS ms) AS t
ORDER BY n`;

/** An expression for a UUIDv7: 48 bits of time, and a number and a hash in place of chance. */
export const uuid = (ms: string, n: string, hash: string): string => `(
  substr(lpad(to_hex(${ms}::bigint), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex(${ms}::bigint), 12, '0'), 9, 4)
  || '-7' || lpad(to_hex((${n}) % 4096), 3, '0') || '-8' || substr(${hash}, 1, 3) || '-' || substr(${hash}, 4, 12)
)`;

const deliveries = (schema: string): string => `
INSERT INTO "${schema}".deliveries (message_id, consumer, state, attempt, agent_id, received_at, finished_at)
SELECT message_id, 'role.' || recipient, 'completed', 1, 'worker-1-7f3a', stored_at + interval '8 ms',
  stored_at + interval '20 ms'
FROM "${schema}".messages`;
