import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const AT_ONCE = 24;
const TASK = 'take';
const logger = new Logger(() => (level, message) => {
  if (/^(error|warning)/.test(level)) console.error(message);
});

/**
 * @param {import('../compare/contender.js').Surroundings} surroundings
 * @param {object} worker what the `worker` of its preset has besides
 */
export async function receive(surroundings, worker = {}) {
  const { namespace, servers, handled } = surroundings;
  await asked(servers.database, `CREATE DATABASE "${namespace}"`);
  let taken = 0;
  let completed = 0;
  let isClosing = false;
  const events = new EventEmitter();
  events.on('job:complete', () => completed++);
  const runner = await run({
    preset: {
      worker: {
        connectionString: databaseOf(surroundings),
        concurrentJobs: AT_ONCE,
        maxPoolSize: AT_ONCE,
        logger,
        ...worker,
      },
    },
    events,
    noHandleSignals: true,
    taskList: {
      [TASK]: async (payload) => {
        taken++;
        await handled(payload);
      },
    },
  });
  // a worker that gave up would leave the sender waiting for ever
  void runner.promise.then(() => {
    if (!isClosing) throw new Error('graphile-worker: the worker has ended');
  });
  return {
    async finish() {
      while (completed < taken) await delay(1);
    },
    async check(sent) {
      if (completed !== sent) throw new Error(`graphile-worker: sent ${sent}, completed ${completed}`);
    },
    async close() {
      isClosing = true;
      await runner.stop();
      await asked(servers.database, `DROP DATABASE "${namespace}" WITH (FORCE)`);
    },
  };
}

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function send(surroundings) {
  const utils = await makeWorkerUtils({
    connectionString: databaseOf(surroundings),
    maxPoolSize: AT_ONCE,
    logger,
  });
  return {
    send: (payload) => utils.addJob(TASK, payload),
    close: () => utils.release(),
  };
}

/** One of its own: a worker ends when another one's schema is made in its database. */
const databaseOf = ({ namespace, servers }) =>
  Object.assign(new URL(servers.database), { pathname: `/${namespace}` }).href;

async function asked(url, sql) {
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  await database.query(sql);
  await database.end();
}
