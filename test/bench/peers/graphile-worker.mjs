import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const AT_ONCE = 24;
const TASK = 'take';
const logger = new Logger(() => (level, message) => {
  if (level.startsWith('error')) console.error(message);
});

/**
 * @param {import('../compare/contender.js').Surroundings} surroundings
 * @param {object} worker what the `worker` of its preset has besides
 */
export async function receive(surroundings, worker = {}) {
  const { namespace, servers, handled } = surroundings;
  let taken = 0;
  let completed = 0;
  const events = new EventEmitter();
  events.on('job:complete', () => completed++);
  const runner = await run({
    preset: {
      worker: {
        connectionString: servers.database,
        schema: namespace,
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
  return {
    async finish() {
      while (completed < taken) await delay(1);
    },
    async check(sent) {
      if (completed !== sent) throw new Error(`graphile-worker: sent ${sent}, completed ${completed}`);
    },
    async close() {
      await runner.stop();
      const database = new pg.Client({ connectionString: servers.database });
      await database.connect();
      await database.query(`DROP SCHEMA IF EXISTS "${namespace}" CASCADE`);
      await database.end();
    },
  };
}

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function send({ namespace, servers }) {
  const utils = await makeWorkerUtils({
    connectionString: servers.database,
    schema: namespace,
    maxPoolSize: AT_ONCE,
    logger,
  });
  return {
    send: (payload) => utils.addJob(TASK, payload),
    close: () => utils.release(),
  };
}
