import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type PostgresServer, until } from '../../support/index.js';
import type { Fault } from '../fault.js';
import type { Scene } from '../scene.js';

/** Something happens to the database under load, again and again in the long form. */
async function disturbed(scene: Scene, disturb: (server: PostgresServer) => Promise<void>): Promise<void> {
  const server = await scene.postgres();
  const [sender] = await Promise.all([
    scene.sender('sender-1'),
    scene.consumer('counter-1'),
    scene.consumer('counter-2'),
  ]);
  await sender.begin(scene.messages, { rate: 400 });
  await scene.untilCompleted(scene.messages / 4);
  do {
    await disturb(server);
    await delay(500);
  } while (scene.form === 'long' && (await sender.status()).running);
  scene.healed();
  const { refused } = await sender.done();
  scene.note(`refused sends: ${JSON.stringify(refused)}`);
  const others = Object.keys(refused).filter((code) => code !== 'STORE_UNAVAILABLE');
  if (others.length > 0) throw new Error(`sends were refused for the wrong reason: ${others.join(', ')}`);
}

const messages = { short: 1_000, long: 5_000 };

export const databaseRestarted: Fault = {
  name: 'database-restarted',
  variation: true,
  title: '7. Postgres restarted',
  needs: ['postgres'],
  messages,
  run: (scene) => disturbed(scene, (server) => server.restart()),
};

export const databaseKilled: Fault = {
  name: 'database-killed',
  title: '7. Postgres killed',
  needs: ['postgres'],
  messages,
  run: (scene) =>
    disturbed(scene, async (server) => {
      await server.kill();
      await server.up();
    }),
};

/** A session of the suite's own, which none of the faults ends. */
async function session(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'faults' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const END_SESSIONS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'faults'`;

export const sessionsTerminated: Fault = {
  name: 'database-sessions-terminated',
  variation: true,
  title: '7. all sessions of Postgres terminated, repeatedly',
  needs: ['postgres'],
  messages,
  run: (scene) =>
    disturbed(scene, async (server) => {
      const operator = await session(server.url);
      for (let times = 0; times < 5; times++) {
        await operator.query(END_SESSIONS);
        await delay(200);
      }
      await operator.end();
    }),
};

/** Somebody else takes every connection that the server has. */
export const connectionsExhausted: Fault = {
  name: 'database-connections-exhausted',
  variation: true,
  title: "7. all of Postgres' connections taken by others",
  needs: ['postgres'],
  messages,
  run: (scene) =>
    disturbed(scene, async (server) => {
      const operator = await session(server.url);
      const taken: pg.Client[] = [];
      const end = Date.now() + 3_000;
      while (Date.now() < end) {
        await operator.query(END_SESSIONS);
        const opened = await Promise.allSettled(Array.from({ length: 20 }, () => session(server.url)));
        for (const each of opened) if (each.status === 'fulfilled') taken.push(each.value);
      }
      await Promise.all([operator, ...taken].map((client) => client.end()));
    }),
};

/**
 * More handlers than connections, each with a transaction open for long: longer than a lease, and than others wait for a
 * connection. The process is slow, not dead: it must go on renewing its claims and saying that it is well.
 */
export const poolExhausted: Fault = {
  name: 'database-pool-exhausted',
  variation: true,
  title: "7. an agent's pool taken up by slow transactions",
  needs: [],
  messages: { short: 30, long: 120 },
  expected: { duplicates: 0 },
  async run(scene) {
    const env = { HANDLER_MS: '3000', CONCURRENCY: '100', PREFETCH: '200', MESSAGE_STORE_LEASE: '2' };
    const [sender, consumer] = await Promise.all([scene.sender('sender-1'), scene.consumer('counter-1', env)]);
    await sender.send(scene.messages);
    await until('handlers to begin', async () => (await scene.ledger.claimedBy('counter-1')).length >= 20, 30_000, 50);
    const { status, info } = await consumer.health();
    if (status !== '200') throw new Error(`an agent with slow handlers is not well: ${info}`);
    scene.healed();
  },
};
