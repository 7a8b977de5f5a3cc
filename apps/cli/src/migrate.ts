import { loadSettings } from 'agentmq/agent';
import { PostgresMessageStore } from 'agentmq/message-store';

/** Brings the schema up to date, and says so. Rejects with `StoreUnavailableError` or `SchemaTooNewError`. */
export async function migrate(): Promise<void> {
  const { namespace, database } = loadSettings();
  const store = PostgresMessageStore.connect({ namespace, ...database });
  try {
    await store.migrate();
    process.stdout.write(`the schema ${namespace} is up to date\n`);
  } finally {
    await store.close();
  }
}
