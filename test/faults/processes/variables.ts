/** What a process of the fault suite is told by its environment, beside the settings of every agent. */
export interface Variables {
  /** A sender's journal; a consumer has none. */
  readonly journal: string;
  readonly namespace: string;
  readonly databaseUrl: string;
  /** When the process is killed or stopped, see `Moment`; empty for never. */
  readonly doom: string;
  /** Handlers wait from the start, until they are let go. */
  readonly held: boolean;
  /** Transactional handlers write by a repository of the app's own `DataSource`. */
  readonly byRepository: boolean;
  /** How long a handler takes, in ms. */
  readonly handlerMs: number;
  readonly concurrency: number;
  readonly prefetch: number;
}

/** Reads them; what is not given is empty or has its default. */
export function readVariables(env: NodeJS.ProcessEnv = process.env): Variables {
  return {
    journal: env['JOURNAL'] ?? '',
    namespace: env['NAMESPACE'] ?? '',
    databaseUrl: env['DATABASE_URL'] ?? '',
    doom: env['DOOM'] ?? '',
    held: env['HELD'] === 'yes',
    byRepository: env['BY_REPOSITORY'] === 'yes',
    handlerMs: Number(env['HANDLER_MS'] ?? 0),
    concurrency: Number(env['CONCURRENCY'] ?? 32),
    prefetch: Number(env['PREFETCH'] ?? 64),
  };
}
