import { migrations } from 'agentmq/migrations';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Pool, PoolClient } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { type AppDatabase, AppSource, runnerTold } from './transaction/app-source.js';
import type { Connections } from './connections.js';
import { callersError, connectError, isBroken, isSilence, storeError } from './connection-errors.js';
import { EmbeddedConnections, type EmbeddedOptions } from './embedded/embedded-connections.js';
import { StoreClosedError, StoreUnavailableError } from './errors.js';
import { isMigrated, migrateAlone, migrateBeside } from './migrator.js';
import { DEFAULT_NAMESPACE, schemaOf } from './namespace.js';
import { type Isolation, OwnTransaction } from './transaction/own-transaction.js';
import { type PreparedStatement, runPrepared } from './statements/prepared.js';
import { CONNECT_TIMEOUT_MS, ServerConnections, type PostgresOptions } from './server/server-connections.js';
import { sharedPool } from './embedded/shared-pool.js';
import { RunnerTransaction, type Transaction } from './transaction/transaction.js';

interface OwnTransactionOptions {
  /** `READ COMMITTED` unless given. */
  readonly isolation?: Isolation;
  readonly inTurn?: boolean;
}

/**
 * One database and one schema of it: a PostgreSQL server's, or the embedded one's. Making it connects to nothing; the first
 * call does, and every later call finds its way back after the database was away. Single statements go to the pool
 * directly; transactions go through a TypeORM DataSource on the same pool. With a `DataSource` of the app's, the
 * transactions of callers run on that one, and its pool: AgentMQ's own statements keep theirs.
 *
 * Everything rejects with `StoreUnavailableError` (retryable) when the database can't be reached or refuses for a reason that
 * may pass, and with `StoreAccessError` when it does not let this process in. What else is wrong with a statement is
 * told in two ways: `query` and `transaction`, which run a caller's statements, pass on the driver's error, and `ownQuery`
 * and `ownTransaction`, which run AgentMQ's, reject with `RefusedDataError` or `StatementError`.
 */
export class Database {
  private source: Promise<DataSource> | undefined;
  /** When each connection was first used. */
  private readonly since = new WeakMap<PoolClient, number>();
  /** Until when the server is known to have let a connection wait in vain. */
  private silentUntil = 0;
  private closed: Promise<void> | undefined;
  /** By whose connections the schema is being changed. */
  private readonly migrating = new Set<Database>();
  private readonly turn: LimitFunction;
  private readonly ownTurn: LimitFunction;

  private constructor(
    /** The Postgres schema that holds everything of this namespace. Statements have to name it with each table. */
    readonly schema: string,
    private readonly connections: Connections,
    private readonly app?: AppSource,
    private readonly appsTransaction?: () => EntityManager | undefined,
  ) {
    this.ownTurn = pLimit(connections.transactionsAtOnce);
    this.turn = app ? pLimit(app.transactionsAtOnce) : this.ownTurn;
  }

  /** On a PostgreSQL server (14 or later). Throws `InvalidNamespaceError`, and `DataSourceError`. */
  static connect(options: PostgresOptions): Database {
    const { namespace = DEFAULT_NAMESPACE, url, dataSource, currentTransaction } = options;
    const schema = schemaOf(namespace);
    const app = dataSource === undefined ? undefined : new AppSource(dataSource, schema);
    const connections = new ServerConnections(options, app?.connectionOptions ?? { connectionString: url });
    return new Database(schema, connections, app, currentTransaction);
  }

  /** On an embedded Postgres (PGlite), in a directory that this process alone may use. Throws `InvalidNamespaceError`. */
  static embedded(options: EmbeddedOptions = {}): Database {
    return new Database(schemaOf(options.namespace ?? DEFAULT_NAMESPACE), new EmbeddedConnections(options));
  }

  /**
   * Over connections that were made otherwise, such as those of a `MemoryDatabase`; a `DataSource` of the app's is on the same
   * database. Throws `InvalidNamespaceError`, and `DataSourceError`.
   */
  static over(
    connections: Connections,
    namespace = DEFAULT_NAMESPACE,
    { dataSource, currentTransaction }: AppDatabase = {},
  ): Database {
    const schema = schemaOf(namespace);
    const app = dataSource === undefined ? undefined : new AppSource(dataSource, schema);
    return new Database(schema, connections, app, currentTransaction);
  }

  /**
   * How many transactions of callers run at once; the next ones wait for their turn. Where it is 1, the embedded database, a
   * statement outside of the open transaction waits for its end: awaiting one inside it never ends.
   */
  get transactionsAtOnce(): number {
    return (this.app ?? this.connections).transactionsAtOnce;
  }

  /** See {@link Connections.statementBytes}. */
  get statementBytes(): number {
    return this.connections.statementBytes;
  }

  /** The transaction that the app has open where this is asked, though it was not passed. */
  get ambient(): Transaction | undefined {
    const runners = [this.appsTransaction && runnerTold(this.appsTransaction), this.app?.ambient];
    const runner = runners.find((each) => each?.isTransactionActive);
    return runner && new RunnerTransaction(runner);
  }

  /** Has the app's repositories join the transaction that `current` tells, where there is a `DataSource` of the app's. */
  joinBy(current: () => Transaction | undefined): void {
    this.app?.joinBy(current);
  }

  /**
   * Brings the schema up to date: once, however many processes start together, and while older ones use it. However long that
   * takes: no time-out of statements ends it. Rejects with `SchemaTooNewError` on a schema that a newer version broke, and with
   * `StatementError` when something else cancelled a statement of it. `close` breaks it off; the next one goes on from there.
   */
  async migrate(): Promise<void> {
    if (await isMigrated(this)) return;
    const unhurried = this.connections.unhurried();
    if (!unhurried) return migrateAlone(this);
    const database = new Database(this.schema, unhurried);
    this.migrating.add(database);
    try {
      await migrateBeside(this, database);
    } finally {
      this.migrating.delete(database);
      await database.close();
    }
  }

  /** Runs one statement of a caller's by itself, outside of every transaction and without waiting for one. */
  async query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await this.run<Row>(sql, parameters);
    } catch (error) {
      throw callersError(error);
    }
  }

  /**
   * Runs `work` in a transaction: commits when it resolves, rolls back when it rejects. Waits for its turn, see
   * {@link transactionsAtOnce}: the rest keeps a few connections. What `work` rejects with is passed on as it is;
   * `StoreUnavailableError` is what this transaction's own connection said. A statement that timed out, or was rolled
   * back in favour of another transaction, is no outage: its error is the driver's. Rejects with
   * `TransactionEndedError` when `work` resolved though a statement had failed, so that nothing could be committed.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.turn(() => this.inTransaction(work, () => this.onCallersConnection()));
  }

  /** Runs one statement of AgentMQ's own: in the transaction if one is given, else by itself. */
  async ownQuery<Row>(
    statement: string | PreparedStatement,
    parameters: readonly unknown[] = [],
    transaction?: Transaction,
  ): Promise<Row[]> {
    try {
      if (!transaction) return await this.run<Row>(statement, parameters);
      return await transaction.query<Row>(textOf(statement), parameters);
    } catch (error) {
      throw storeError(error);
    }
  }

  /**
   * A transaction of AgentMQ's own statements alone. They are short: it waits for no turn, unless it is one of which callers
   * may ask for any number at once.
   */
  async ownTransaction<T>(
    work: (transaction: RunnerTransaction) => Promise<T>,
    { isolation, inTurn = false }: OwnTransactionOptions = {},
  ): Promise<T> {
    const run = (): Promise<T> => this.inTransaction(work, () => this.onOwnConnection(), isolation);
    try {
      return await (inTurn ? this.ownTurn(run) : run());
    } catch (error) {
      throw storeError(error);
    }
  }

  /** The database's time, which all other times are measured by. */
  async now(): Promise<Date> {
    const [row] = await this.ownQuery<{ now: Date }>('SELECT clock_timestamp() AS now');
    return (row as { now: Date }).now;
  }

  /** Resolves when the database answers, and takes writes. */
  async ping(): Promise<void> {
    const [row] = await this.ownQuery<{ readOnly: string }>(
      `SELECT current_setting('transaction_read_only') AS "readOnly"`,
    );
    if (row?.readOnly === 'on')
      throw new StoreUnavailableError('the database takes no writes: a standby, or read-only');
  }

  /** Closes the connections. Safe to call twice. */
  async close(): Promise<void> {
    this.closed ??= this.end();
    await this.closed;
  }

  private async inTransaction<T>(
    work: (transaction: RunnerTransaction) => Promise<T>,
    open: () => Promise<OwnTransaction>,
    isolation: Isolation = 'READ COMMITTED',
  ): Promise<T> {
    const transaction = await open();
    try {
      await transaction.begin(isolation);
      const result = await work(transaction);
      await transaction.commit();
      return result;
    } catch (error) {
      await transaction.rollBack(this.connections.rollBackMs);
      throw error;
    } finally {
      transaction.release();
    }
  }

  private async end(): Promise<void> {
    await Promise.all([...this.migrating].map((database) => database.close()));
    const source = await this.source?.catch(() => undefined);
    await source?.destroy();
    await this.connections.end();
  }

  private async pool(): Promise<Pool> {
    if (this.closed) throw new StoreClosedError('the message store is closed');
    return this.connections.open();
  }

  private async run<Row>(statement: string | PreparedStatement, parameters: readonly unknown[]): Promise<Row[]> {
    const client = await this.connect();
    try {
      const rows =
        typeof statement !== 'string' && this.connections.isOwn(client)
          ? await runPrepared<Row>(client, statement, parameters)
          : ((await client.query(textOf(statement), [...parameters])).rows as Row[]);
      client.release();
      return rows;
    } catch (error) {
      this.release(client, error);
      throw error;
    }
  }

  /** A connection, but none that was open when another got no answer: it may be dead as well, and would be waited for. */
  private async connect(): Promise<PoolClient> {
    const pool = await this.pool();
    for (;;) {
      const client = await pool.connect().catch((error: unknown) => {
        throw connectError(error);
      });
      const since = this.since.get(client);
      if (since === undefined) this.since.set(client, performance.now());
      else if (since < this.silentUntil) {
        client.release(true);
        continue;
      }
      return client;
    }
  }

  /** Only a connection that may be broken is thrown away: the embedded database has just one. */
  private release(client: PoolClient, error: unknown): void {
    if (isSilence(error)) this.silentUntil = performance.now();
    client.release(isBroken(error));
  }

  private async onCallersConnection(): Promise<OwnTransaction> {
    const { app } = this;
    if (!app) return this.onOwnConnection();
    if (this.closed) throw new StoreClosedError('the message store is closed');
    const client = await app.connect(CONNECT_TIMEOUT_MS);
    return new OwnTransaction(app.createQueryRunner(), client, (error) => client.release(isBroken(error)));
  }

  private async onOwnConnection(): Promise<OwnTransaction> {
    const source = await this.dataSource();
    const client = await this.connect();
    return new OwnTransaction(source.createQueryRunner(), client, (error) => this.release(client, error));
  }

  private async dataSource(): Promise<DataSource> {
    const pool = await this.pool();
    this.source ??= open(pool, this.schema);
    try {
      return await this.source;
    } catch (error) {
      this.source = undefined;
      throw connectError(error);
    }
  }
}

const textOf = (statement: string | PreparedStatement): string =>
  typeof statement === 'string' ? statement : statement.text;

async function open(pool: Pool, schema: string): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    schema,
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    driver: sharedPool(pool),
    installExtensions: false,
    synchronize: false,
    logging: false,
  });
  return source.initialize();
}
