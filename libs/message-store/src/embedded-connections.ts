import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import type { Connections } from './connections.js';
import { lockDirectory } from './directory-lock.js';
import { initialiseDirectory } from './initialise-directory.js';

export interface EmbeddedOptions {
  /** Holds the data; made if it is not there. None given: a temporary one, removed by `close`. */
  readonly dataDirectory?: string;
  /** Names the schema; `agentmq` unless given. */
  readonly namespace?: string;
  /** How long a statement waits for the one connection while another has it, in ms; 30000 unless given. */
  readonly connectTimeoutMs?: number;
}

/** The defaults' 128 MB of shared buffers become resident in time, and their WAL grows to 1 GB on the disk. */
const SETTINGS = ['shared_buffers=8MB', 'max_wal_size=64MB', 'min_wal_size=32MB', 'jit=off'];

interface Opened {
  readonly database: PGlite;
  readonly pool: Pool;
  readonly close: () => Promise<void>;
}

/**
 * PGlite under pg's own pool and client, over the connection that PGlite brings for it: types, parameters and errors are
 * then the server's. There is one connection: the pool hands it to one statement or transaction at a time, in turn.
 *
 * What was committed survives the death of the process. It is written to the operating system, not flushed to the disk
 * (PGlite never does), so it may not survive the loss of power.
 */
export class EmbeddedConnections implements Connections {
  /** WebAssembly memory grows with the largest statement and never shrinks. */
  readonly statementBytes = 1024 * 1024;
  readonly transactionsAtOnce = 1;
  private opened: Promise<Opened> | undefined;

  constructor(private readonly options: EmbeddedOptions) {}

  async open(): Promise<Pool> {
    this.opened ??= this.start();
    try {
      return (await this.opened).pool;
    } catch (error) {
      this.opened = undefined;
      throw error;
    }
  }

  async end(): Promise<void> {
    const opened = await this.opened?.catch(() => undefined);
    if (!opened) return;
    await opened.pool.end();
    await opened.database.close();
    await opened.close();
  }

  private async start(): Promise<Opened> {
    const { dataDirectory, connectTimeoutMs = 30_000 } = this.options;
    const directory = dataDirectory ? resolve(dataDirectory) : await mkdtemp(join(tmpdir(), `agentmq-${process.pid}-`));
    const unlock = await lockDirectory(directory);
    const close = async (): Promise<void> => {
      await unlock();
      if (!dataDirectory) await rm(directory, { recursive: true, force: true });
    };
    try {
      const data = join(directory, 'postgres');
      // Loaded only where it is used: it is large.
      const { PGlite } = await import('@electric-sql/pglite');
      const { createPgConfig } = await import('@electric-sql/pglite/node-postgres');
      const startParams = [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ['-c', setting])];
      await initialiseDirectory(data, startParams);
      const database = await PGlite.create({ dataDir: data, startParams });
      const { connection } = createPgConfig(database);
      const config = { connection, max: 1, idleTimeoutMillis: 0, connectionTimeoutMillis: connectTimeoutMs };
      const pool = new Pool(config);
      pool.on('error', () => undefined);
      pool.on('connect', (client) => client.on('error', () => undefined));
      return { database, pool, close };
    } catch (error) {
      await close();
      throw error;
    }
  }
}
