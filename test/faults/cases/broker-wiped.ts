import { until } from '../../support/index.js';
import type { Fault } from '../fault.js';

const QUEUED = 5_000;

/** The broker comes back empty: what waited in its queues is in the store alone. */
export const brokerWiped: Fault = {
  name: 'broker-wiped',
  title: `4. broker wiped with ${QUEUED.toLocaleString('en')} unprocessed messages queued`,
  needs: ['broker'],
  messages: { short: QUEUED, long: QUEUED },
  async run(scene) {
    const [broker, sender, consumer] = await Promise.all([
      scene.broker(),
      scene.sender('sender-1'),
      scene.consumer('counter-1', { CONCURRENCY: '4', PREFETCH: '8', HELD: 'yes' }),
    ]);
    await sender.send(scene.messages + 100);
    await until(
      'all to be published',
      async () => (await scene.ledger.backlog()).outbox === 0 && (await scene.queued()) >= QUEUED,
      60_000,
      100,
    );
    await broker.wipe();
    await broker.up();
    scene.healed();
    await consumer.release();
    await scene.consumer('counter-2');
  },
};
