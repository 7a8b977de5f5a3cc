import { connect } from 'amqplib';
import { Client } from 'pg';
import { amqpUrl, databaseUrl } from './services.js';

/**
 * Drops a namespace's schema, and deletes its exchanges and the queues of the agents that were registered in it. Resolves
 * when all is gone; does so at once when nothing is there.
 */
export async function removeNamespace(namespace: string): Promise<void> {
  const database = new Client({ connectionString: databaseUrl() });
  await database.connect();
  const owners = new Set<string>();
  try {
    const { rows } = await database.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [
      `${namespace}.agents`,
    ]);
    if (rows[0]?.there) {
      const agents = await database.query<{ id: string; role: string }>(`SELECT id, role FROM ${namespace}.agents`);
      for (const { id, role } of agents.rows) owners.add(`agent.${id}`).add(`role.${role}`);
    }
    await database.query(`DROP SCHEMA IF EXISTS ${namespace} CASCADE`);
  } finally {
    await database.end();
  }
  if (owners.size > 0) await deleteTopology(namespace, owners);
}

async function deleteTopology(namespace: string, owners: Iterable<string>): Promise<void> {
  const connection = await connect(amqpUrl());
  try {
    const channel = await connection.createChannel();
    for (const lane of ['', '.high']) {
      for (const owner of owners) await channel.deleteQueue(`${namespace}.${owner}${lane}`);
      for (const exchange of ['direct', 'topic', 'broadcast'])
        await channel.deleteExchange(`${namespace}.${exchange}${lane}`);
    }
    await channel.deleteQueue(`${namespace}.dead-letter`);
    await channel.deleteExchange(`${namespace}.dead-letter`);
  } finally {
    await connection.close();
  }
}
