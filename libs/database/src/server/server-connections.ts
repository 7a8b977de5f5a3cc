import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { callbackify } from 'node:util';
import { type ClientBase, Pool, type PoolClient, type PoolConfig } from 'pg';
import type { AppDatabase } from '../transaction/app-source.js';
import type { Connections } from '../connections.js';
import { prepareSession } from './session.js';

export interface PostgresOptions extends AppDatabase {
  /** `postgres://user:password@host:port/database?sslmode=...` Not used where there is a `dataSource`. */
  readonly url: string;
  /** Names the schema; `agentmq` unless given. */
  readonly namespace?: string;
  /** The most connections, 2 or more; 10 unless given. Callers' transactions leave a few of them to the rest. */
  readonly poolSize?: number;
  /** How long to wait for a free or a new connection, in ms; 5000 unless given. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may run, in ms; 30000 unless given, 0 for no limit. Behind a pooler the role's own setting ends it. */
  readonly statementTimeoutMs?: number;
  /** Shown in `pg_stat_activity`; `agentmq` unless given. */
  readonly applicationName?: string;
}

/** A statement that the server should have cancelled is given up here: its connection is half-open. */
const READ_GRACE_MS = 5_000;

/** How long to wait for a connection, in ms. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** How long statements under way have to end when the pool is closed, in ms. */
const END_MS = 1_000;

/** How long the server has to close its side of a connection, in ms. */
const GOODBYE_MS = 1_000;

/** Connections that no caller's transaction may take. */
const KEPT_FREE = 4;

/** A pool on a PostgreSQL server. Lost connections are replaced as they are needed. */
export class ServerConnections implements Connections {
  readonly statementBytes = 16 * 1024 * 1024;
  readonly rollBackMs = READ_GRACE_MS;
  readonly transactionsAtOnce: number;
  private readonly pool: Pool;
  private readonly sockets = new Set<Duplex>();
  /** Those whose session is theirs alone. */
  private readonly own = new WeakSet<ClientBase>();

  constructor(
    private readonly options: PostgresOptions,
    private readonly connection: PoolConfig,
    /** Of each session, beside that of statements, in ms; 0 for none. */
    timeouts: Readonly<Record<string, number>> = {},
  ) {
    const poolSize = options.poolSize ?? 10;
    this.transactionsAtOnce = Math.max(1, poolSize - KEPT_FREE);
    const statementTimeout = options.statementTimeoutMs ?? 30_000;
    const connectTimeout = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const { stream } = connection;
    const session = { timeouts: { statement_timeout: statementTimeout, ...timeouts }, withinMs: connectTimeout };
    this.pool = new Pool({
      ...connection,
      application_name: options.applicationName ?? 'agentmq',
      max: poolSize,
      connectionTimeoutMillis: connectTimeout,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      ...(statementTimeout > 0 ? { query_timeout: statementTimeout + READ_GRACE_MS } : {}),
      stream: () => this.socket(stream),
      verify: callbackify(async (client: PoolClient) => {
        if (await prepareSession(client, session)) this.own.add(client);
      }),
    });
    // A connection that breaks emits `error`, idle or in use, and Node ends the process if nothing listens. The caller in
    // whose hands it is hears of it by the statement's rejection; one that is idle leaves the pool.
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  open(): Promise<Pool> {
    return Promise.resolve(this.pool);
  }

  isOwn(client: PoolClient): boolean {
    return this.own.has(client);
  }

  unhurried(): Connections {
    const options = { ...this.options, poolSize: 1, statementTimeoutMs: 0 };
    return new ServerConnections(options, this.connection, { lock_timeout: 0 });
  }

  /** A server that answers no more does not hold up the end: what is left of its connections after a while is destroyed. */
  async end(): Promise<void> {
    const late = setTimeout(() => this.destroy(), END_MS).unref();
    await this.pool.end();
    clearTimeout(late);
    setTimeout(() => this.destroy(), GOODBYE_MS).unref();
  }

  private socket(stream: PoolConfig['stream']): Duplex {
    const socket = stream?.() ?? new Socket();
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }

  private destroy(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
