import type { OwnBroker } from '../../support/index.js';
import type { Fault } from '../fault.js';
import type { Scene } from '../scene.js';

/** The broker goes away under load and comes back; sends go on. */
async function away(scene: Scene, goAndComeBack: (broker: OwnBroker) => Promise<void>): Promise<void> {
  const [broker, sender] = await Promise.all([scene.broker(), scene.sender('sender-1'), scene.consumer('counter-1')]);
  await scene.consumer('counter-2');
  // a quorum queue whose node dies within a second of its declaration never gets a leader in RabbitMQ 3.10
  await sender.send(scene.messages / 2, { rate: 400 });
  await sender.begin(scene.messages / 2, { rate: 400 });
  await scene.untilCompleted(scene.messages / 2 + 50);
  await goAndComeBack(broker);
  scene.healed();
  const { refused } = await sender.done();
  if (Object.keys(refused).length > 0)
    throw new Error(`sends were refused while the broker was away: ${JSON.stringify(refused)}`);
}

const messages = { short: 1_200, long: 6_000 };

export const brokerRestarted: Fault = {
  name: 'broker-restarted',
  variation: true,
  title: '4. broker restarted',
  needs: ['broker'],
  messages,
  run: (scene) => away(scene, (broker) => broker.restart()),
};

export const brokerKilled: Fault = {
  name: 'broker-killed',
  variation: true,
  title: '4. broker killed',
  needs: ['broker'],
  messages,
  run: (scene) =>
    away(scene, async (broker) => {
      await broker.kill();
      await broker.up();
    }),
};
