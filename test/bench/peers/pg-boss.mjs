import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { PgBoss } from 'pg-boss';

const QUEUE = 'bench';

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function receive(surroundings) {
  const { namespace, servers, prefetch, handled } = surroundings;
  const boss = bossOf(surroundings, { useListenNotify: true });
  await boss.start();
  await boss.createQueue(QUEUE, { notify: true });
  let taken = 0;
  const options = { batchSize: prefetch, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
  await boss.work(QUEUE, options, async (jobs) => {
    for (const { data } of jobs) await handled(data);
    taken += jobs.length;
  });
  const database = new pg.Client({ connectionString: servers.database });
  await database.connect();
  const completed = async () => {
    const { rows } = await database.query(
      `SELECT count(*)::integer AS count FROM "${namespace}".job WHERE state = 'completed'`,
    );
    return rows[0].count;
  };
  return {
    async finish() {
      while ((await completed()) < taken) await delay(2);
    },
    async check(sent) {
      const done = await completed();
      if (done !== sent) throw new Error(`pg-boss: sent ${sent}, completed ${done}`);
    },
    async close() {
      await boss.stop({ graceful: false });
      await database.query(`DROP SCHEMA IF EXISTS "${namespace}" CASCADE`);
      await database.end();
    },
  };
}

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function send(surroundings) {
  const boss = bossOf(surroundings, {});
  await boss.start();
  return {
    send: (payload) => boss.send(QUEUE, payload),
    close: () => boss.stop({ graceful: false }),
  };
}

function bossOf({ namespace, servers }, options) {
  const boss = new PgBoss({ connectionString: servers.database, schema: namespace, ...options });
  boss.on('error', (error) => console.error(error));
  return boss;
}
