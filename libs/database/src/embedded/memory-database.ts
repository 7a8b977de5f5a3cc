import type { PGlite } from '@electric-sql/pglite';
import { optionalPackage, PackageMissingError } from 'agentmq/protocol';
import type { Pool } from 'pg';
import type { Connections } from '../connections.js';
import { PGLITE_SETTINGS, PGLITE_STATEMENT_BYTES, pglitePool } from './pglite-pool.js';
import { withoutTemplates } from './without-templates.js';

export interface MemoryDatabaseOptions {
  /** What `dump` of another one gave; a new, empty database unless given. */
  readonly dump?: Uint8Array<ArrayBuffer>;
}

/**
 * An embedded Postgres (PGlite) that is kept in memory, for several `Database` objects of one process. Its clock is the
 * process's `Date`.
 */
export class MemoryDatabase {
  private running = 0;
  private readonly protocol: Pick<PGlite, 'waitReady' | 'execProtocolStream'>;
  private pool: Promise<Pool> | undefined;

  private constructor(private readonly database: PGlite) {
    this.protocol = {
      waitReady: database.waitReady,
      execProtocolStream: async (...given) => {
        this.running++;
        try {
          return await database.execProtocolStream(...given);
        } finally {
          this.running--;
        }
      },
    };
  }

  static async open({ dump }: MemoryDatabaseOptions = {}): Promise<MemoryDatabase> {
    const { PGlite } = await optionalPackage(
      '@electric-sql/pglite',
      'a database in memory',
      () => import('@electric-sql/pglite'),
    );
    const startParams = [...PGlite.defaultStartParams, ...PGLITE_SETTINGS];
    const loadDataDir = dump ? new Blob([dump]) : await unpacked();
    return new MemoryDatabase(await PGlite.create({ loadDataDir, startParams }));
  }

  /** How many statements run, or wait for the connection. */
  async underWay(): Promise<number> {
    const pool = await this.pool;
    return this.running + (pool?.waitingCount ?? 0);
  }

  /** How many statements run. One that waits for the connection may do so until a transaction ends. */
  get executing(): number {
    return this.running;
  }

  /** For a `Database`, whose `close` leaves the database open for the next. */
  connections(): Connections {
    return {
      open: () => this.open(),
      isOwn: () => true,
      unhurried: () => undefined,
      statementBytes: PGLITE_STATEMENT_BYTES,
      transactionsAtOnce: 1,
      rollBackMs: 0,
      end: () => Promise.resolve(),
    };
  }

  /** Its content, for `open`. */
  async dump(): Promise<Uint8Array<ArrayBuffer>> {
    const tar = await this.database.dumpDataDir('none');
    return new Uint8Array(withoutTemplates(Buffer.from(await tar.arrayBuffer())));
  }

  async close(): Promise<void> {
    await (await this.pool)?.end();
    await this.database.close();
  }

  private open(): Promise<Pool> {
    this.pool ??= pglitePool(this.protocol);
    return this.pool;
  }
}

/** The files of a new database as PGlite ships them, if they are installed: its own initdb takes three times as long. */
async function unpacked(): Promise<Blob | undefined> {
  try {
    const { dataDir } = await optionalPackage(
      '@electric-sql/pglite-prepopulatedfs',
      'a database in memory',
      () => import('@electric-sql/pglite-prepopulatedfs'),
    );
    return await dataDir();
  } catch (error) {
    if (error instanceof PackageMissingError) return undefined;
    throw error;
  }
}
