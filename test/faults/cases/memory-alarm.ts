import { until } from '../../support/index.js';
import type { Fault } from '../fault.js';

/** The broker runs out of memory and takes no more publications, then it has enough again. */
export const memoryAlarm: Fault = {
  name: 'memory-alarm',
  title: '13. broker out of memory, and relieved',
  needs: ['broker'],
  messages: { short: 1_000, long: 5_000 },
  async run(scene) {
    const [broker, sender] = await Promise.all([
      scene.broker(),
      scene.sender('sender-1', { MESSAGE_STORE_OUTBOX_LIMIT: '200' }),
      scene.consumer('counter-1'),
    ]);
    await sender.send(scene.messages / 2, { rate: 1_000 });
    await broker.exhaustMemory();
    try {
      await sender.begin(scene.messages / 2, { rate: 400 });
      await until('the sender to be blocked', async () => (await sender.health()).info.includes('blocked'), 30_000, 50);
      await until('back-pressure', async () => Object.keys((await sender.status()).refused).length > 0, 30_000, 50);
      scene.note(`refused while blocked: ${JSON.stringify((await sender.status()).refused)}`);
    } finally {
      await broker.relieveMemory();
    }
    scene.healed();
    await sender.done();
  },
};
