import { Client } from 'pg';
import { type Bus, testBus } from './buses/index.js';
import { databaseUrl } from './services.js';

/**
 * Drops a namespace's schema, and removes what the agents that were registered in it have left at the broker. Resolves
 * when all is gone; does so at once when nothing is there.
 */
export async function removeNamespace(namespace: string, bus: Bus = testBus): Promise<void> {
  const database = new Client({ connectionString: databaseUrl() });
  await database.connect();
  const consumers = new Set<string>();
  try {
    const { rows } = await database.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [
      `${namespace}.agents`,
    ]);
    if (rows[0]?.there) {
      const agents = await database.query<{ id: string; role: string }>(`SELECT id, role FROM ${namespace}.agents`);
      for (const { id, role } of agents.rows) consumers.add(`agent.${id}`).add(`role.${role}`);
    }
    await database.query(`DROP SCHEMA IF EXISTS ${namespace} CASCADE`);
  } finally {
    await database.end();
  }
  if (consumers.size > 0) await bus.clear(bus.sharedUrl(), namespace, [...consumers]);
}
