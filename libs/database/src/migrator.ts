import { migrations } from 'agentmq/migrations';
import { pause } from 'agentmq/time';
import { MigrationExecutor, QueryFailedError } from 'typeorm';
import { SchemaTooNewError, StoreUnavailableError } from './errors.js';
import type { RunnerTransaction } from './transaction/transaction.js';

/** What TypeORM takes from the end of a migration's name. */
const PLACE_DIGITS = 13;

/** Every statement on a table waits behind a migration that waits for the table: for no longer than this. */
const LOCK_TIMEOUT_MS = 1_000;
const LOCK_PAUSE_MS = 2_000;
const LOCK_ATTEMPTS = 20;
/** In PostgreSQL's words `lock_not_available`. */
const LOCK_NOT_AVAILABLE = '55P03';

type InTransaction = (work: (transaction: RunnerTransaction) => Promise<void>) => Promise<void>;

/**
 * Brings the schema up to date, in one transaction under an advisory lock: of many processes that start together one
 * does it and the others wait. The lock is the transaction's, so it also holds through a transaction pooler. Tables
 * that a long transaction of an instance holds are tried again and again: rejects with `StoreUnavailableError` after a
 * minute of it.
 */
export async function migrate(schema: string, inTransaction: InTransaction): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await inTransaction((transaction) => tryMigrate(schema, transaction));
      return;
    } catch (error) {
      if (!(error instanceof TablesInUseError) || attempt === LOCK_ATTEMPTS) throw error;
      await pause(LOCK_PAUSE_MS);
    }
  }
}

class TablesInUseError extends StoreUnavailableError {}

async function tryMigrate(schema: string, transaction: RunnerTransaction): Promise<void> {
  await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`agentmq.migrate.${schema}`]);
  const existing = await transaction.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  if (existing.length === 0) await transaction.query(`CREATE SCHEMA "${schema}"`);
  await refuseNewer(transaction, schema);
  // The migrations are plain SQL without a schema's name.
  await transaction.query(`SET LOCAL search_path TO "${schema}"`);
  await transaction.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    await new MigrationExecutor(transaction.dataSource, transaction.runner).executePendingMigrations();
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new TablesInUseError("the schema can't be changed: long transactions use its tables", { cause: error });
  }
}

const isLockTimeout = (error: unknown): boolean =>
  error instanceof QueryFailedError && (error.driverError as { code?: unknown }).code === LOCK_NOT_AVAILABLE;

/**
 * During an upgrade an instance of the version before starts after the schema was migrated. It goes on with migrations
 * that it does not know, unless the name of one says that it needs a later version: see migrations/index.ts.
 */
async function refuseNewer(transaction: RunnerTransaction, schema: string): Promise<void> {
  const [table] = await transaction.query<{ name: string | null }>('SELECT to_regclass($1)::text AS name', [
    `"${schema}".migrations`,
  ]);
  if (!table?.name) return;
  const done = await transaction.query<{ name: string }>(`SELECT name FROM "${schema}".migrations ORDER BY id`);
  const known = migrations.map((migration) => new migration().name);
  const newest = Math.max(...known.map((name) => Number(name.slice(-PLACE_DIGITS))));
  const tooNew = done.find(({ name }) => !known.includes(name) && Number(/_Needs(\d+)_/.exec(name)?.[1] ?? 0) > newest);
  if (tooNew) throw new SchemaTooNewError(tooNew.name);
}
