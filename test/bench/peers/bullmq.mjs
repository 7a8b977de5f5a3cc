import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';

const NAME = 'bench';

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function receive(surroundings) {
  let taken = 0;
  let completed = 0;
  const take = async ({ data }) => {
    taken++;
    await surroundings.handled(data);
  };
  const worker = new Worker(NAME, take, { ...optionsOf(surroundings), concurrency: surroundings.concurrency });
  worker.on('completed', () => completed++);
  worker.on('error', (error) => console.error(error));
  await worker.waitUntilReady();
  return {
    async finish() {
      while (completed < taken) await delay(1);
    },
    async check(sent) {
      if (completed !== sent) throw new Error(`BullMQ: sent ${sent}, completed ${completed}`);
    },
    async close() {
      await worker.close();
      const queue = new Queue(NAME, optionsOf(surroundings));
      await queue.obliterate({ force: true });
      await queue.close();
    },
  };
}

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export async function send(surroundings) {
  const queue = new Queue(NAME, {
    ...optionsOf(surroundings),
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  await queue.waitUntilReady();
  return {
    send: (payload) => queue.add('take', payload),
    close: () => queue.close(),
  };
}

const optionsOf = ({ namespace, servers }) => ({
  prefix: namespace,
  connection: { url: servers.redis, maxRetriesPerRequest: null },
});
