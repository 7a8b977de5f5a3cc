import type { RabbitMqNode } from '../../support/index.js';
import type { Fault } from '../fault.js';
import type { Scene } from '../scene.js';

/** The broker goes away under load and comes back; sends go on. */
async function away(scene: Scene, goAndComeBack: (node: RabbitMqNode) => Promise<void>): Promise<void> {
  const [node, sender] = await Promise.all([scene.rabbitmq(), scene.sender('sender-1'), scene.consumer('counter-1')]);
  await scene.consumer('counter-2');
  // a quorum queue whose node dies within a second of its declaration never gets a leader in RabbitMQ 3.10
  await sender.send(scene.messages / 2, { rate: 400 });
  await sender.begin(scene.messages / 2, { rate: 400 });
  await scene.untilCompleted(scene.messages / 2 + 50);
  await goAndComeBack(node);
  scene.healed();
  const { refused } = await sender.done();
  if (Object.keys(refused).length > 0)
    throw new Error(`sends were refused while the broker was away: ${JSON.stringify(refused)}`);
}

const messages = { short: 1_200, long: 6_000 };

export const brokerRestarted: Fault = {
  name: 'broker-restarted',
  variation: true,
  title: '4. RabbitMQ restarted',
  needs: ['rabbitmq'],
  messages,
  run: (scene) => away(scene, (node) => node.restart()),
};

export const brokerKilled: Fault = {
  name: 'broker-killed',
  variation: true,
  title: '4. RabbitMQ killed',
  needs: ['rabbitmq'],
  messages,
  run: (scene) =>
    away(scene, async (node) => {
      await node.kill();
      await node.up();
    }),
};
