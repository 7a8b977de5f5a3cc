import { loadSettings } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';

/** Brings the schema up to date, and says so. Rejects with `StoreUnavailableError` or `SchemaTooNewError`. */
export async function migrateDatabase(): Promise<void> {
  const { namespace, database } = loadSettings();
  const store = Store.connect({ namespace, ...database });
  try {
    await store.database.migrate();
    process.stdout.write(`the schema ${namespace} is up to date\n`);
  } finally {
    await store.database.close();
  }
}
