import type { Pool, PoolClient, PoolConfig } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { connectError } from '../connection-errors.js';
import { DataSourceError, StoreClosedError, StoreUnavailableError } from '../errors.js';
import { joinRepositories } from './join-repositories.js';
import { RunnerTransaction, type Transaction } from './transaction.js';

/** Connections of the app's pool that no handler's transaction may take: the app's own requests need some. */
const KEPT_FREE = 4;

/** pg's own, where a `DataSource` says nothing. */
const DEFAULT_POOL_SIZE = 10;

/** What of an app's database its messages are to be part of. */
export interface AppDatabase {
  /**
   * The app's own TypeORM `DataSource`, on PostgreSQL and initialised: transactional handlers and tasks run on it, and the app's
   * repositories are part of them. AgentMQ keeps its record in that database; `DATABASE_URL` is not used.
   */
  readonly dataSource?: DataSource | undefined;
  /**
   * Tells the manager of the transaction that the app has open where it is called, e.g. that of nestjs-cls: what is sent or
   * submitted there is part of it, without being given it. The transaction must be one on the database that has AgentMQ's record.
   */
  readonly currentTransaction?: (() => EntityManager | undefined) | undefined;
}

/** Where the database is, and by which user it is reached. All else in the app's pool options is for the app's pool. */
const CONNECTION_OPTIONS = [
  'connectionString',
  'host',
  'port',
  'user',
  'password',
  'database',
  'ssl',
  'sslnegotiation',
  'enableChannelBinding',
  'options',
  'stream',
] as const;

/** The app's own TypeORM `DataSource`: callers' transactions run on it, so that the app's entities and repositories are in them. */
export class AppSource {
  /** Throws `DataSourceError` for a `DataSource` on which AgentMQ can't work; `schema` is where AgentMQ keeps its own. */
  constructor(
    private readonly source: DataSource,
    schema: string,
  ) {
    check(source, schema);
  }

  /** By which a pool of AgentMQ's own reaches the same database. */
  get connectionOptions(): PoolConfig {
    const options = poolOf(this.source)?.options as unknown as Readonly<Record<string, unknown>>;
    // read one by one: pg hides the password from whatever copies its options
    return Object.fromEntries(
      CONNECTION_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
    );
  }

  get transactionsAtOnce(): number {
    return Math.max(1, (poolOf(this.source)?.options.max ?? DEFAULT_POOL_SIZE) - KEPT_FREE);
  }

  /** The transaction that the `DataSource` itself says to be in: libraries put theirs in the place of its manager. */
  get ambient(): QueryRunner | undefined {
    return this.source.manager.queryRunner;
  }

  createQueryRunner(): QueryRunner {
    return this.source.createQueryRunner();
  }

  /** Repositories and managers of the app join the transaction that `current` tells, if it is one of this `DataSource`. */
  joinBy(current: () => Transaction | undefined): void {
    joinRepositories(this.source, () => {
      const transaction = current();
      return transaction instanceof RunnerTransaction && transaction.dataSource === this.source
        ? transaction.runner
        : undefined;
    });
  }

  /** A connection of the app's pool, which itself may wait for one for ever. Rejects with `StoreUnavailableError`. */
  connect(withinMs: number): Promise<PoolClient> {
    const pool = poolOf(this.source);
    const away = new StoreUnavailableError('the DataSource of the app is not connected');
    if (!pool) return Promise.reject(away);
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(new StoreUnavailableError(`the DataSource's pool had no connection within ${withinMs} ms`));
      }, withinMs);
      pool.connect().then(
        (client) => {
          clearTimeout(timer);
          if (isLate) client.release();
          else resolve(client);
        },
        (error: unknown) => {
          clearTimeout(timer);
          const reason = connectError(error);
          // the app destroys it; the store is another matter
          reject(reason instanceof StoreClosedError ? away : reason);
        },
      );
    });
  }
}

/** Of the manager that `currentTransaction` tells. Throws `DataSourceError` where that is something else. */
export function runnerTold(currentTransaction: () => EntityManager | undefined): QueryRunner | undefined {
  const told: Partial<EntityManager> | null | undefined = currentTransaction();
  if (!told) return undefined;
  // a query runner, or a promise, would be taken for an app that has no transaction open
  if (typeof told.getRepository !== 'function')
    throw new DataSourceError('is given a currentTransaction that returns no EntityManager');
  return told.queryRunner;
}

const poolOf = ({ driver }: DataSource): Pool | undefined => (driver as unknown as { readonly master?: Pool }).master;

function check(source: DataSource, schema: string): void {
  const given = source as Partial<DataSource> | null | undefined;
  if (typeof given?.createQueryRunner !== 'function') throw new DataSourceError('is no DataSource of TypeORM');
  const { type } = source.options;
  if (type !== 'postgres')
    throw new DataSourceError(`is of type ${type}, but AgentMQ keeps its record in PostgreSQL: leave it out`);
  if (!source.isInitialized) throw new DataSourceError('is not initialised: await initialize() before it is given');
  if (typeof poolOf(source)?.options !== 'object')
    throw new DataSourceError('has a driver of its own, which does not tell where the database is');
  const { schema: defaultSchema } = source.driver;
  const inside = source.entityMetadatas.find((entity) => (entity.schema ?? defaultSchema) === schema);
  if (inside || defaultSchema === schema)
    throw new DataSourceError(
      `has ${inside ? `the entity ${inside.name}` : 'its tables'} in the schema ${schema}, which is AgentMQ's own: ` +
        'a synchronize or dropSchema would change it. Move them, or choose another NAMESPACE',
    );
}
