import type { ClientBase, QueryConfig } from 'pg';
import { DatabaseSettingError } from '../errors.js';

/**
 * What the store's statements rely on, and may be set otherwise for the server, the database or the role: arrays with NULL
 * among their values, statements that each see what others have committed, numbers to the last digit, and constraints.
 */
const RELIED_ON: Readonly<Record<string, readonly [wanted: string, ...others: string[]]>> = {
  array_nulls: ['on'],
  default_transaction_isolation: ['read committed'],
  extra_float_digits: ['1', '2', '3'],
  session_replication_role: ['origin', 'local'],
};

/** Only a superuser may set it. */
const NOT_OURS_TO_SET = 'session_replication_role';

/**
 * Makes a new session what the store needs, in one round trip. A pooler that lends one session to many clients, such as
 * PgBouncer in transaction mode, refuses such settings at the start and would leak them later. It is found by the process
 * id, which is another than it told. There, DateStyle and standard_conforming_strings are set, which it keeps for each
 * client, and the rest is only looked at. Resolves to whether the session is its own. Rejects with `DatabaseSettingError`.
 */
export async function prepareSession(
  client: ClientBase,
  { timeouts, withinMs }: { readonly timeouts: Readonly<Record<string, number>>; readonly withinMs: number },
): Promise<boolean> {
  const { processID } = client as ClientBase & { readonly processID: number | null };
  const own = `pg_backend_pid() = ${Number(processID)}`;
  const wanted = Object.entries(RELIED_ON).map(([name, [value]]) =>
    name === NOT_OURS_TO_SET
      ? `current_setting('${name}') AS ${name}`
      : `CASE WHEN ${own} THEN set_config('${name}', '${value}', false) ELSE current_setting('${name}') END AS ${name}`,
  );
  const limits = Object.entries(timeouts).map(
    ([name, ms]) => `CASE WHEN ${own} THEN set_config('${name}', '${ms}', false) END`,
  );
  // Postgres overrates what the statements cost, and would compile them, which takes longer than they do (0.5 s against
  // 0.06 s for a replay of a thousand deliveries).
  const text = `
    SELECT ${own} AS own, set_config('DateStyle', 'ISO', false), set_config('standard_conforming_strings', 'on', false),
      CASE WHEN ${own} THEN set_config('jit', 'off', false) END,
      ${limits.join(', ')}, ${wanted.join(', ')}`;
  const statement: QueryConfig & { readonly query_timeout: number } = { text, query_timeout: withinMs };
  const { rows } = await client.query<Record<string, string> & { readonly own: boolean }>(statement);
  for (const [name, values] of Object.entries(RELIED_ON)) {
    const value = rows[0]?.[name] ?? '';
    if (!values.includes(value)) throw new DatabaseSettingError(name, value, values[0]);
  }
  return rows[0]?.own ?? false;
}
