import { migrations } from 'agentmq/migrations';
import type { Pool, PoolClient } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import type { Connections } from './connections.js';
import { callersError, connectError, isBroken, isSilence, storeError } from './connection-errors.js';
import { StoreClosedError } from './errors.js';
import { type Isolation, OwnTransaction } from './own-transaction.js';
import type { RunnerTransaction, Transaction } from './transaction.js';

/**
 * One database and one schema. Hot statements go to the pool directly; transactions and entities go through a TypeORM
 * DataSource on the same pool, opened when first needed, and again if the database was down. Errors are the port's.
 */
export class Database {
  private source: Promise<DataSource> | undefined;
  /** When each connection was first used. */
  private readonly since = new WeakMap<PoolClient, number>();
  /** Until when the server is known to have let a connection wait in vain. */
  private silentUntil = 0;
  private closed: Promise<void> | undefined;

  constructor(
    readonly schema: string,
    private readonly connections: Connections,
    private readonly entities: readonly (new () => object)[],
  ) {}

  /** See {@link Connections.statementBytes}. */
  get statementBytes(): number {
    return this.connections.statementBytes;
  }

  /** Runs one statement of the store's own: in the transaction if one is given, else by itself. */
  async query<Row>(sql: string, parameters: readonly unknown[], transaction?: Transaction): Promise<Row[]> {
    try {
      return await (transaction ? transaction.query<Row>(sql, parameters) : this.run<Row>(sql, parameters));
    } catch (error) {
      throw storeError(error);
    }
  }

  /** Runs one statement of a caller's by itself: what is wrong with it is the driver's error. */
  async callersQuery<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    try {
      return await this.run<Row>(sql, parameters);
    } catch (error) {
      throw callersError(error);
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
      await transaction.rollBack(this.connections.rollBackMs);
      throw error;
    } finally {
      transaction.release();
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

  private async run<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    const client = await this.connect();
    try {
      const { rows } = await client.query(sql, [...parameters]);
      client.release();
      return rows as Row[];
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

  private async onOwnConnection(): Promise<OwnTransaction> {
    const source = await this.dataSource();
    const client = await this.connect();
    return new OwnTransaction(source.createQueryRunner(), client, (error) => this.release(client, error));
  }

  private async dataSource(): Promise<DataSource> {
    const pool = await this.pool();
    this.source ??= open(pool, this.schema, this.entities);
    try {
      return await this.source;
    } catch (error) {
      this.source = undefined;
      throw connectError(error);
    }
  }
}

async function open(pool: Pool, schema: string, entities: readonly (new () => object)[]): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    schema,
    entities: [...entities],
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
