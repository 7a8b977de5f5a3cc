import { until } from '../../support/index.js';
import type { Fault } from '../fault.js';
import type { Scene } from '../scene.js';

const REPLAY = { MESSAGE_STORE_REPLAY_INTERVAL: '1' };
const messages = { short: 1_000, long: 5_000 };

/** An operator takes out or deletes what there is while messages wait in it and more are being sent. */
async function lost(scene: Scene, lose: () => Promise<void>): Promise<void> {
  const [sender, consumer] = await Promise.all([
    scene.sender('sender-1'),
    scene.consumer('counter-1', { CONCURRENCY: '4', PREFETCH: '8', HELD: 'yes', ...REPLAY }),
  ]);
  await sender.send(scene.messages / 2);
  await until('messages to wait', async () => (await scene.queued()) > scene.messages / 4, 30_000, 50);
  await sender.begin(scene.messages / 2, { rate: 1_000 });
  await lose();
  scene.healed();
  await consumer.release();
  await scene.consumer('counter-2', REPLAY);
  await sender.done();
}

export const queuePurged: Fault = {
  name: 'queue-purged',
  variation: true,
  title: '9. queue purged by an operator',
  needs: [],
  messages,
  run: (scene) => lost(scene, () => scene.lose('purge')),
};

export const queueDeleted: Fault = {
  name: 'queue-deleted',
  variation: true,
  title: '9. queue deleted by an operator',
  needs: [],
  messages,
  run: (scene) => lost(scene, () => scene.lose('delete')),
};

/** Exchanges and queues on RabbitMQ; on Redis every key, so bindings and what consumers hold as well. */
export const namespaceDeleted: Fault = {
  name: 'namespace-deleted',
  variation: true,
  title: '9. all that there is at the broker deleted by an operator',
  needs: [],
  messages,
  run: (scene) => lost(scene, () => scene.loseAll()),
};

/** Nobody declares the queue again for a while: what is sent meanwhile stays in the outbox, for no queue took it. */
export const queueDeletedForLong: Fault = {
  name: 'queue-deleted-for-long',
  title: '9. queue deleted, with no consumer to declare it again',
  needs: [],
  messages,
  async run(scene) {
    const [sender, consumer] = await Promise.all([
      scene.sender('sender-1'),
      scene.consumer('counter-1', { CONCURRENCY: '4', PREFETCH: '8', HELD: 'yes' }),
    ]);
    await sender.send(scene.messages / 2);
    await until('all to be published', async () => (await scene.ledger.backlog()).outbox === 0, 30_000, 50);
    await consumer.kill();
    await scene.lose('delete');
    await sender.send(scene.messages / 2);
    const refused = async (): Promise<boolean> => (await scene.ledger.refusedByBroker()) >= scene.messages / 2;
    await until('the broker to refuse what no queue takes', refused, 30_000, 50);
    scene.healed();
    // what the dead consumer held is replayed when its lease is over
    await scene.consumer('counter-2', REPLAY);
  },
};
