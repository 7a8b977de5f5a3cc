import { type AddedIndex, IndexMigration, migrations } from 'agentmq/migrations';
import { backoff, pause } from 'agentmq/time';
import { type Migration, MigrationExecutor } from 'typeorm';
import { sqlStateOf } from './connection-errors.js';
import { SchemaTooNewError, StatementError, StoreUnavailableError } from './errors.js';
import type { RunnerTransaction } from './transaction/transaction.js';

/** What TypeORM takes from the end of a migration's name. */
const PLACE_DIGITS = 13;

/** Every statement on a table waits behind a migration that waits for the table: for no longer than this. */
const LOCK_TIMEOUT_MS = 1_000;
const LOCK_PAUSE_MS = 2_000;
const LOCK_ATTEMPTS = 20;
/** Between two looks whether another instance has migrated. */
const FIRST_TURN_PAUSE_MS = 250;
const LONGEST_TURN_PAUSE_MS = 2_000;

/** In PostgreSQL's words `lock_not_available`, and `query_canceled`: by a time-out, or by an operator. */
const LOCK_NOT_AVAILABLE = '55P03';
const QUERY_CANCELED = '57014';

/** As much of a `Database` as a migration needs. */
interface Statements {
  readonly schema: string;
  ownQuery<Row>(statement: string, parameters?: readonly unknown[]): Promise<Row[]>;
  ownTransaction<T>(work: (transaction: RunnerTransaction) => Promise<T>): Promise<T>;
}

class TablesInUseError extends StoreUnavailableError {}

/** Whether the schema has all that this version knows. Throws `SchemaTooNewError`. */
export async function isMigrated(database: Statements): Promise<boolean> {
  const done = await doneIn(database);
  return known().every((name) => done.includes(name));
}

/** Brings up to date a schema that this process alone uses: each migration in a transaction of its own. */
export async function migrateAlone(database: Statements): Promise<void> {
  for (const name of known()) await migrateOne(database, name);
}

/**
 * Brings up to date a schema that others use: each migration in a transaction of its own, indexes without one. Of many
 * processes that start together one does it, on a connection of `unhurried`, and the others look now and then. The advisory lock
 * is that of a transaction, so it also holds through a transaction pooler. A process that waited for it in a statement would be an
 * old snapshot, whose end `CREATE INDEX CONCURRENTLY` waits for.
 *
 * Rejects with `StoreUnavailableError` when a table that a migration changes has been in use for a minute, and with
 * `StatementError` when a statement was cancelled, which would happen to it again.
 */
export async function migrateBeside(database: Statements, unhurried: Statements): Promise<void> {
  const migrated = (): Promise<boolean> =>
    database.ownTransaction(async (turn) => {
      const [row] = await turn.query<{ mine: boolean }>(
        'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine',
        [`agentmq.migrator.${database.schema}`],
      );
      if (!row?.mine) return false;
      // it is idle until the builds on the other connection have ended
      await turn.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await migrateInTurn(unhurried).catch((error: Error) => {
        if (sqlStateOf(error.cause) !== QUERY_CANCELED) throw error;
        throw new StatementError(QUERY_CANCELED, 'a statement of a migration was cancelled', { cause: error });
      });
      return true;
    });
  for (let looks = 0; !(await migrated()) && !(await isMigrated(database)); looks++)
    await pause(backoff(looks, FIRST_TURN_PAUSE_MS, LONGEST_TURN_PAUSE_MS));
}

async function migrateInTurn(database: Statements): Promise<void> {
  const isInUse = (await doneIn(database)).length > 0;
  for (const Migration of migrations) {
    const migration = new Migration();
    if (isInUse && migration instanceof IndexMigration) await buildBeside(database, migration);
    else await patiently(() => migrateOne(database, migration.name));
  }
}

/** Tries again, for a while, when the tables are used by long transactions of other instances. */
async function patiently(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (sqlStateOf((error as Error).cause) !== LOCK_NOT_AVAILABLE) throw error;
      if (attempt === LOCK_ATTEMPTS)
        throw new TablesInUseError("the schema can't be changed: long transactions use its tables", { cause: error });
      await pause(LOCK_PAUSE_MS);
    }
  }
}

const migrateOne = (database: Statements, name: string): Promise<void> =>
  once(database, name, async (transaction, executor, migration) => {
    const { schema } = database;
    // A role that may not make schemas may not even ask for one that is there.
    const existing = await transaction.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
    if (existing.length === 0) await transaction.query(`CREATE SCHEMA "${schema}"`);
    // The migrations are plain SQL without a schema's name.
    await transaction.query(`SET LOCAL search_path TO "${schema}"`);
    await transaction.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await transaction.query('SET LOCAL statement_timeout = 0');
    await executor.executeMigration(migration);
  });

/** Older instances go on reading and writing meanwhile. */
async function buildBeside(database: Statements, migration: IndexMigration): Promise<void> {
  if ((await doneIn(database)).includes(migration.name)) return;
  for (const index of migration.indexes(`"${database.schema}".`)) await build(database, index);
  await once(database, migration.name, async (_transaction, executor, built) => {
    await executor.insertMigration(built);
  });
}

/**
 * A build that broke off leaves an index that is maintained but not used. It may not have broken off at the server, which goes
 * on without the process that asked for it: the table's lock is free when it has ended. One that has not begun yet, and breaks
 * off later, leaves an index that `IF NOT EXISTS` takes for built: rejects with `StoreUnavailableError`, and the next attempt
 * drops that index.
 */
async function build(database: Statements, { name, isUnique = false, on }: AddedIndex): Promise<void> {
  const { schema } = database;
  const isValid = async (): Promise<boolean | undefined> => {
    const [found] = await database.ownQuery<{ valid: boolean }>(
      `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)`,
      [`"${schema}".${name}`],
    );
    return found?.valid;
  };
  if ((await isValid()) === false) {
    const [table = ''] = on.split(' ');
    await database.ownTransaction((transaction) =>
      transaction.query(`LOCK TABLE ${table} IN SHARE UPDATE EXCLUSIVE MODE`),
    );
    if ((await isValid()) === false) await database.ownQuery(`DROP INDEX CONCURRENTLY IF EXISTS "${schema}".${name}`);
  }
  await database.ownQuery(`CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY IF NOT EXISTS ${name} ON ${on}`);
  if (!(await isValid())) throw new StoreUnavailableError(`another build of index ${name} has broken off`);
}

/** Does `work` unless the migration has been done. Versions before this one migrate under the same lock. */
const once = (
  database: Statements,
  name: string,
  work: (transaction: RunnerTransaction, executor: MigrationExecutor, migration: Migration) => Promise<void>,
): Promise<void> =>
  database.ownTransaction(async (transaction) => {
    const lock = `agentmq.migrate.${database.schema}`;
    await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [lock]);
    const executor = new MigrationExecutor(transaction.dataSource, transaction.runner);
    const migration = (await executor.getPendingMigrations()).find((each) => each.name === name);
    if (migration) await work(transaction, executor, migration);
  });

/**
 * The names of the migrations that the schema has. During an upgrade an instance of the version before starts after the schema
 * was migrated. It goes on with migrations that it does not know, unless the name of one says that it needs a later version:
 * see migrations/index.ts.
 */
async function doneIn(database: Statements): Promise<string[]> {
  const table = `"${database.schema}".migrations`;
  const [found] = await database.ownQuery<{ name: string | null }>('SELECT to_regclass($1)::text AS name', [table]);
  if (!found?.name) return [];
  const rows = await database.ownQuery<{ name: string }>(`SELECT name FROM ${table} ORDER BY id`);
  const names = known();
  const newest = Math.max(...names.map((name) => Number(name.slice(-PLACE_DIGITS))));
  const tooNew = rows.find(({ name }) => !names.includes(name) && Number(/_Needs(\d+)_/.exec(name)?.[1] ?? 0) > newest);
  if (tooNew) throw new SchemaTooNewError(tooNew.name);
  return rows.map(({ name }) => name);
}

const known = (): string[] => migrations.map((Migration) => new Migration().name);
