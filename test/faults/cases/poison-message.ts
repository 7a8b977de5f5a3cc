import type { ConsumerProcess } from '../agent-process.js';
import type { Fault } from '../fault.js';
import { FRAGILE_ATTEMPTS, ledgerSchema } from '../numbered.js';

/** A message whose handler kills the process, among others in one prefetch window; an orchestrator starts it again. */
export const poisonMessage: Fault = {
  name: 'poison-message',
  title: '10. poison message in a full prefetch window',
  needs: [],
  messages: { short: 200, long: 2_000 },
  expected: { dead: 1 },
  async run(scene) {
    const [sender, consumer] = await Promise.all([
      scene.sender('sender-1'),
      scene.consumer('counter-1', { CONCURRENCY: '32', PREFETCH: '64', HELD: 'yes' }),
    ]);
    await sender.send(scene.messages, { kind: 'fragile', deadly: [20] });
    // it may be dead before it can answer
    await consumer.release().catch(() => undefined);
    const deaths = await keepAlive(consumer, async () => (await scene.ledger.backlog()).open === 0);
    scene.healed();
    scene.note(`${deaths} deaths`);
    if (deaths > FRAGILE_ATTEMPTS)
      throw new Error(`it cost ${deaths} processes, more than ${FRAGILE_ATTEMPTS} attempts`);
    const codes = await scene.ledger.deathCodes();
    if (codes.join() !== 'POISON_MESSAGE') throw new Error(`dead: ${codes.join() || 'none'}`);
    const survivors = await scene.ledger.query<{ count: number }>(
      `SELECT count(DISTINCT n)::integer AS count FROM ${ledgerSchema(scene.namespace)}.plain_effects`,
    );
    if (survivors[0]?.count !== scene.messages - 1) throw new Error(`${survivors[0]?.count} neighbours were handled`);
  },
};

/** Starts the process again whenever it dies; resolves, with how often that was, when `done` says so. */
async function keepAlive(process: ConsumerProcess, done: () => Promise<boolean>): Promise<number> {
  const end = Date.now() + 60_000;
  for (let deaths = 0; ;) {
    if (!process.running) {
      deaths++;
      await process.restart({ HELD: 'no' }).catch((error: unknown) => {
        // it may die again before it is ready
        if (process.running) throw error;
      });
      continue;
    }
    if (await done()) return deaths;
    if (Date.now() > end) throw new Error(`there is still something to do after ${deaths} deaths`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
