import { Client } from 'pg';
import { databaseUrl } from '../support/index.js';

/** Turned on and off here, since what is given on the command line can't be changed while the server runs. */
export const STATEMENTS_SETTINGS = { shared_preload_libraries: 'pg_stat_statements' };

/** The server counts none of its statements, which costs it little but something, until {@link statementsOf} does. */
export const countNoStatements = (): Promise<void> => asking(track('none'));

/**
 * How many statements the server is sent while `work` is under way, BEGIN and COMMIT included. Settings that go with a prepared statement,
 * in its round trip, are not counted.
 */
export const statementsOf = (work: () => Promise<unknown>): Promise<number> =>
  asking(async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await track('top')(client);
    try {
      await client.query('SELECT pg_stat_statements_reset()');
      await work();
      const { rows } = await client.query<{ calls: string }>(
        `SELECT sum(calls) AS calls FROM pg_stat_statements WHERE query NOT LIKE 'SELECT WHERE set_config(%'`,
      );
      return Number(rows[0]?.calls);
    } finally {
      await track('none')(client);
    }
  });

const track =
  (which: 'top' | 'none') =>
  async (client: Client): Promise<void> => {
    await client.query(`ALTER SYSTEM SET pg_stat_statements.track = '${which}'`);
    await client.query('SELECT pg_reload_conf()');
  };

async function asking<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl() });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
