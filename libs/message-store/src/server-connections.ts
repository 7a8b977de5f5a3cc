import { Pool } from 'pg';
import type { Connections } from './connections.js';

export interface ServerOptions {
  /** `postgres://user:password@host:port/database?sslmode=...` */
  readonly url: string;
  /** Names the schema; `agentmq` unless given. */
  readonly namespace?: string;
  /** The most connections, 2 or more; 10 unless given. Callers' transactions leave a few of them to the rest. */
  readonly poolSize?: number;
  /** How long to wait for a free or a new connection, in ms; 5000 unless given. */
  readonly connectTimeoutMs?: number;
  /**
   * How long a statement may run, in ms; 30000 unless given. 0 for no limit: nothing is then sent at the start of a
   * session, as PgBouncer wants it (set `jit = off` for the database or the user there).
   */
  readonly statementTimeoutMs?: number;
  /** Shown in `pg_stat_activity`; `agentmq` unless given. */
  readonly applicationName?: string;
}

/** A statement that the server should have cancelled is given up here: its connection is half-open. */
const READ_GRACE_MS = 5_000;

/**
 * The statements probe by subqueries, whose cost Postgres overrates: it would compile them, which takes longer than they
 * do (0.5 s against 0.06 s for a replay of a thousand deliveries).
 */
const WITHOUT_JIT = '-c jit=off';

/** Connections that no caller's transaction may take. */
const KEPT_FREE = 4;

/** A pool on a PostgreSQL server. Lost connections are replaced as they are needed. */
export class ServerConnections implements Connections {
  readonly statementBytes = 16 * 1024 * 1024;
  readonly transactionsAtOnce: number;
  private readonly pool: Pool;

  constructor(options: ServerOptions) {
    const poolSize = options.poolSize ?? 10;
    this.transactionsAtOnce = Math.max(1, poolSize - KEPT_FREE);
    const statementTimeout = options.statementTimeoutMs ?? 30_000;
    this.pool = new Pool({
      connectionString: options.url,
      application_name: options.applicationName ?? 'agentmq',
      max: poolSize,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      ...(statementTimeout > 0
        ? { statement_timeout: statementTimeout, query_timeout: statementTimeout + READ_GRACE_MS, options: WITHOUT_JIT }
        : {}),
    });
    // A connection that breaks emits `error`, idle or in use, and Node ends the process if nobody listens. Whoever uses
    // it is told by the statement's rejection; one that is idle leaves the pool.
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  open(): Promise<Pool> {
    return Promise.resolve(this.pool);
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}
