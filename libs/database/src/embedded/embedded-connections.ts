import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { optionalPackage } from 'agentmq/protocol';
import type { Pool } from 'pg';
import type { Connections } from '../connections.js';
import { lockDirectory } from './directory-lock.js';
import { StoreDirectoryError } from '../errors.js';
import { guardedPGlite } from './guarded-pglite.js';
import { initialiseDirectory } from './initialise-directory.js';
import { PGLITE_SETTINGS, PGLITE_STATEMENT_BYTES, pglitePool } from './pglite-pool.js';

export interface EmbeddedOptions {
  /** Holds the data; made if it is not there. None given: a temporary one, removed by `close`. */
  readonly dataDirectory?: string;
  /** Names the schema; `agentmq` unless given. */
  readonly namespace?: string;
  /** How long a statement waits for the one connection while another has it, in ms; 30000 unless given. */
  readonly connectTimeoutMs?: number;
  /** Called once when the database has ended for good, for a full disk say: all that it is asked afterwards rejects with it. */
  readonly onBroken?: (error: StoreDirectoryError) => void;
}

interface Opened {
  readonly database: PGlite;
  readonly pool: Pool;
  readonly close: () => Promise<void>;
  readonly isBroken: () => boolean;
}

/**
 * PGlite on a directory. What was committed survives the death of the process. It is written to the operating system, not flushed to the disk
 * (PGlite never does), so it may not survive the loss of power.
 */
export class EmbeddedConnections implements Connections {
  readonly statementBytes = PGLITE_STATEMENT_BYTES;
  readonly transactionsAtOnce = 1;
  /** In this process, nothing gets lost on the way. */
  readonly rollBackMs = 0;
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

  isOwn(): boolean {
    return true;
  }

  unhurried(): undefined {
    return undefined;
  }

  async end(): Promise<void> {
    const opened = await this.opened?.catch(() => undefined);
    if (!opened) return;
    await opened.pool.end();
    // Of a broken one the shutdown would never end; the next start recovers what was committed.
    if (!opened.isBroken()) await opened.database.close();
    await opened.close();
  }

  private async start(): Promise<Opened> {
    const { dataDirectory, connectTimeoutMs } = this.options;
    const directory = dataDirectory ? resolve(dataDirectory) : await mkdtemp(join(tmpdir(), `agentmq-${process.pid}-`));
    const unlock = await lockDirectory(directory).catch((error: unknown) => {
      throw directoryError(directory, error);
    });
    const close = async (): Promise<void> => {
      await unlock();
      if (!dataDirectory) await rm(directory, { recursive: true, force: true });
    };
    try {
      const data = join(directory, 'postgres');
      // Loaded only where it is used: it is large.
      const { PGlite } = await optionalPackage(
        '@electric-sql/pglite',
        'the embedded database',
        () => import('@electric-sql/pglite'),
      );
      const startParams = [...PGlite.defaultStartParams, ...PGLITE_SETTINGS];
      await initialiseDirectory(data, startParams);
      const database = await PGlite.create({ dataDir: data, startParams });
      let failure: StoreDirectoryError | undefined;
      const guarded = guardedPGlite(database, (reason) => {
        failure = new StoreDirectoryError(directory, reason);
        this.options.onBroken?.(failure);
        return failure;
      });
      const pool = await pglitePool(guarded, connectTimeoutMs);
      return { database, pool, close, isBroken: () => failure !== undefined };
    } catch (error) {
      await close();
      throw directoryError(directory, error);
    }
  }
}

const problems: Readonly<Record<string, string>> = {
  EACCES: 'it may not be written to',
  EPERM: 'it may not be written to',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EEXIST: 'it is no directory',
  ENOTDIR: 'it is no directory',
};

/** How PGlite's file system, which is Emscripten's, says that the disk is full. */
const EMSCRIPTEN_ENOSPC = 51;

/** What the system says about the directory, or what the process said that was to make the database's files; else the error itself. */
function directoryError(directory: string, error: unknown): unknown {
  const { code, errno, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string };
  const full = errno === EMSCRIPTEN_ENOSPC || stderr.includes(`errno: ${EMSCRIPTEN_ENOSPC}`);
  const told = full ? 'ENOSPC' : Object.keys(problems).find((known) => code === known || stderr.includes(known));
  const problem = told === undefined ? undefined : problems[told];
  return problem === undefined ? error : new StoreDirectoryError(directory, problem, { cause: error });
}
