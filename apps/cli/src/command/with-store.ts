import { loadSettings } from 'agentmq/agent';
import { AgentMQError, type AgentSettings } from 'agentmq';
import { Store } from 'agentmq/message-store';
import { StatementError } from 'agentmq/database';

/** In PostgreSQL's words `undefined_table`. */
const UNDEFINED_TABLE = '42P01';

/** The database has no schema of this namespace. */
export class NoSchemaError extends AgentMQError {
  readonly code = 'NO_SCHEMA';

  constructor(readonly namespace: string) {
    super(`the database has no schema "${namespace}": see NAMESPACE and DATABASE_URL, or run "agentmq migrate"`);
  }
}

/**
 * Opens the message store for one piece of work, and closes it. Rejects as the work does, with `StoreUnavailableError`
 * when the database can't be reached, with {@link NoSchemaError} when nothing was ever stored there, and `SettingsError`.
 */
export async function withStore<T>(work: (store: Store, settings: AgentSettings) => Promise<T>): Promise<T> {
  const settings = loadSettings();
  const { namespace, database } = settings;
  const store = Store.connect({ namespace, ...database });
  try {
    return await refusingMissingTables(namespace, () => work(store, settings));
  } finally {
    await store.database.close();
  }
}

/** Rejects as `work` does, but with {@link NoSchemaError} where that finds no tables. */
export async function refusingMissingTables<T>(namespace: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isMissingTable(error) ? new NoSchemaError(namespace) : error;
  }
}

const isMissingTable = (error: unknown): boolean =>
  error instanceof StatementError && error.sqlState === UNDEFINED_TABLE;
