import { migrations } from 'agentmq/migrations';
import type { Client, Pool, PoolClient } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import type { Connections } from './connections.js';
import { isUnavailable, storeError } from './connection-errors.js';
import { entities } from './entities/index.js';
import { StoreClosedError } from './errors.js';
import type { Transaction } from './message-store.js';
import { type Isolation, OwnTransaction } from './own-transaction.js';
import type { RunnerTransaction } from './transaction.js';

/**
 * One database and one schema. Hot statements go to the pool directly; transactions and entities go through a TypeORM
 * DataSource on the same pool, opened when first needed, and again if the database was down. Errors are the port's.
 */
export class Database {
  private source: Promise<DataSource> | undefined;
  private closed: Promise<void> | undefined;

  constructor(
    readonly schema: string,
    private readonly connections: Connections,
  ) {}

  /** See {@link Connections.statementBytes}. */
  get statementBytes(): number {
    return this.connections.statementBytes;
  }

  /** Runs one statement: in the transaction if one is given, else by itself. */
  async query<Row>(sql: string, parameters: readonly unknown[], transaction?: Transaction): Promise<Row[]> {
    if (transaction) return transaction.query<Row>(sql, parameters);
    const client = await this.connect();
    try {
      const { rows } = await client.query(sql, [...parameters]);
      client.release();
      return rows as Row[];
    } catch (error) {
      // Only a connection that may be broken is thrown away: the embedded database has just one.
      client.release(isUnavailable(error));
      throw storeError(error);
    }
  }

  /** A transaction of statements of the store's own alone. */
  async transaction<T>(
    work: (transaction: RunnerTransaction) => Promise<T>,
    isolation: Isolation = 'READ COMMITTED',
  ): Promise<T> {
    try {
      return await this.callersTransaction(work, isolation);
    } catch (error) {
      throw storeError(error);
    }
  }

  /** A transaction with work that is not the store's own: what that rejects with is passed on as it is. */
  async callersTransaction<T>(
    work: (transaction: RunnerTransaction) => Promise<T>,
    isolation: Isolation = 'READ COMMITTED',
  ): Promise<T> {
    const transaction = await this.onOwnConnection();
    try {
      await transaction.begin(isolation);
      const result = await work(transaction);
      await transaction.commit();
      return result;
    } catch (error) {
      await transaction.rollBack();
      throw error;
    } finally {
      await transaction.release();
    }
  }

  /** Several reads of one moment, by entities. */
  read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.transaction((transaction) => work(transaction.manager), 'REPEATABLE READ');
  }

  async close(): Promise<void> {
    this.closed ??= this.end();
    await this.closed;
  }

  private async end(): Promise<void> {
    const source = await this.source?.catch(() => undefined);
    await source?.destroy();
    await this.connections.end();
  }

  private async pool(): Promise<Pool> {
    if (this.closed) throw new StoreClosedError('the message store is closed');
    return this.connections.open();
  }

  private async connect(): Promise<PoolClient> {
    const pool = await this.pool();
    try {
      return await pool.connect();
    } catch (error) {
      throw storeError(error);
    }
  }

  private async onOwnConnection(): Promise<OwnTransaction> {
    const runner = (await this.dataSource()).createQueryRunner();
    try {
      return new OwnTransaction(runner, (await runner.connect()) as Client);
    } catch (error) {
      await runner.release();
      throw storeError(error);
    }
  }

  private async dataSource(): Promise<DataSource> {
    const pool = await this.pool();
    this.source ??= open(pool, this.schema);
    try {
      return await this.source;
    } catch (error) {
      this.source = undefined;
      throw storeError(error);
    }
  }
}

async function open(pool: Pool, schema: string): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    schema,
    entities,
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    driver: { Pool: shared(pool) },
    installExtensions: false,
    synchronize: false,
    logging: false,
  });
  return source.initialize();
}

/** What TypeORM takes for pg's Pool class: every instance is the pool that we made, and that we close. */
function shared(pool: Pool): new () => Pick<Pool, 'connect'> {
  return class {
    readonly connect = pool.connect.bind(pool);
    readonly on = (): this => this;
    readonly end = (done: () => void): void => done();
  };
}
