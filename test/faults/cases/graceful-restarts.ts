import type { Fault } from '../fault.js';

/** What an orchestrator does when a new version is rolled out. */
export const gracefulRestarts: Fault = {
  name: 'graceful-restarts',
  title: '14. every process restarted gracefully in turn, under load',
  needs: [],
  messages: { short: 10_000, long: 40_000 },
  expected: { duplicates: 0 },
  async run(scene) {
    const consumers = await Promise.all(
      ['counter-1', 'counter-2'].map((id) => scene.consumer(id, { HANDLER_MS: '20' })),
    );
    const senders = await Promise.all(['sender-1', 'sender-2'].map((id) => scene.sender(id)));
    const rate = scene.form === 'long' ? 200 : 60;
    const count = scene.messages;
    for (const sender of senders) await sender.begin(count, { rate });
    const stops: number[] = [];
    const rounds = scene.form === 'long' ? 4 : 1;
    for (let round = 0; round < rounds; round++) {
      for (const consumer of consumers) {
        stops.push(await timed(consumer.stop()));
        await consumer.restart();
      }
      for (const sender of senders) {
        stops.push(await timed(sender.stop()));
        await sender.restart();
        await sender.begin(count, { rate });
      }
    }
    scene.healed();
    scene.note(`from SIGTERM to the end: ${Math.min(...stops)} to ${Math.max(...stops)} ms`);
    for (const sender of senders) await sender.finish();
  },
};

/** Resolves with how long the work took, in ms. */
async function timed(work: Promise<void>): Promise<number> {
  const began = performance.now();
  await work;
  return Math.round(performance.now() - began);
}
