import { connect } from 'amqplib';
import { Client } from 'pg';
import { redisCommand } from './redis-command.js';

/** Resolves with undefined if the service answers and will do for the tests, else with the reason why not. */
export type Probe = (url: string) => Promise<string | undefined>;

/** Opens and closes a connection to RabbitMQ: the whole AMQP handshake, logging in included. */
export const probeAmqp: Probe = async (url) => {
  try {
    const connection = await connect(url, { timeout: 5_000 });
    connection.on('error', () => undefined);
    await connection.close();
    return undefined;
  } catch (error) {
    return reason(error);
  }
};

/** Runs a statement on Postgres, and sees that the tests may create their own databases there. */
export const probePostgres: Probe = async (url) => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const answer = await client.query<{ name: string; able: boolean }>(
      'select rolname as name, rolsuper or rolcreatedb as able from pg_roles where rolname = current_user',
    );
    const role = answer.rows[0];
    return role?.able ? undefined : `its role ${role?.name ?? ''} may not create databases`;
  } catch (error) {
    return reason(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** Asks Redis for its version: the tests need 7.0 or later. */
export const probeRedis: Probe = async (url) => {
  try {
    const info = String(await redisCommand(url, 'INFO', 'server'));
    const version = /^redis_version:(\d+)/m.exec(info)?.[1] ?? 'unknown';
    return Number(version) >= 7 ? undefined : `its version is ${version}: 7.0 or later is needed`;
  } catch (error) {
    return reason(error);
  }
};

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ');
  return error instanceof Error ? error.message || error.name : String(error);
}
