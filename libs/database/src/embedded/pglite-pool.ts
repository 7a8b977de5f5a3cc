import type { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';

/** The defaults' 128 MB of shared buffers become resident in time, and their WAL grows to 1 GB on the disk. */
const SETTINGS = ['shared_buffers=8MB', 'max_wal_size=64MB', 'min_wal_size=32MB', 'jit=off'];

/** What PGlite is started with, after its own parameters. */
export const PGLITE_SETTINGS: readonly string[] = SETTINGS.flatMap((setting) => ['-c', setting]);

/** WebAssembly memory grows with the largest statement and never shrinks. */
export const PGLITE_STATEMENT_BYTES = 1024 * 1024;

/**
 * PGlite under pg's own pool and client, over the connection that PGlite brings for it: types, parameters and errors are
 * then the server's. There is one connection: the pool hands it to one statement or transaction at a time, in turn.
 */
export async function pglitePool(
  protocol: Pick<PGlite, 'waitReady' | 'execProtocolStream'>,
  connectTimeoutMs = 30_000,
): Promise<Pool> {
  const { createPgConfig } = await import('@electric-sql/pglite/node-postgres');
  const { connection } = createPgConfig(protocol as PGlite);
  const config = { connection, max: 1, idleTimeoutMillis: 0, connectionTimeoutMillis: connectTimeoutMs };
  const pool = new Pool(config);
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
