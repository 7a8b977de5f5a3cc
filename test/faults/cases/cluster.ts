import type { RabbitMqCluster } from '../../support/index.js';
import type { Fault } from '../fault.js';
import { CONSUMER } from '../numbered.js';
import type { Scene } from '../scene.js';

type Node = RabbitMqCluster['nodes'][number];

/** Each node in turn goes and comes back under load. Its clients go on with the others. */
async function inTurn(
  scene: Scene,
  goAndComeBack: (cluster: RabbitMqCluster, node: Node) => Promise<void>,
): Promise<void> {
  const [cluster, sender] = await Promise.all([
    scene.cluster(),
    scene.sender('sender-1'),
    scene.consumer('counter-1'),
    scene.consumer('counter-2'),
  ]);
  const nodes = scene.form === 'long' ? cluster.nodes : cluster.nodes.slice(0, 1);
  const share = Math.floor(scene.messages / (nodes.length + 1));
  await sender.send(share);
  let sent = share;
  await scene.untilCompleted(sent);
  // a quorum queue whose node dies within a second of its declaration may never get a leader
  await cluster.untilPlaced(`${scene.namespace}.${CONSUMER}`);
  for (const node of nodes) {
    await sender.begin(share, { rate: 200 });
    await scene.untilCompleted(sent + 20);
    await goAndComeBack(cluster, node);
    // the next may only go when this one has caught up: two must be left
    await cluster.untilPlaced(`${scene.namespace}.${CONSUMER}`);
    sent = (await sender.done()).accepted;
    await scene.untilCompleted(sent);
  }
  scene.healed();
}

export const clusterNodesKilled: Fault = {
  name: 'cluster-nodes-killed',
  title: '5. one node of three killed, each in turn',
  bus: 'rabbitmq',
  needs: ['cluster'],
  messages: { short: 400, long: 6_000 },
  run: (scene) =>
    inTurn(scene, async (_cluster, node) => {
      const before = await scene.ledger.completed();
      await node.kill();
      // two of three are a majority: it goes on without the third
      await scene.untilCompleted(before + 50);
      await node.up();
    }),
};

export const clusterMinority: Fault = {
  name: 'cluster-minority',
  variation: true,
  title: '5. one node of three cut off from the others',
  bus: 'rabbitmq',
  needs: ['cluster'],
  messages: { short: 600, long: 6_000 },
  run: (scene) =>
    inTurn(scene, async (cluster, node) => {
      const before = await scene.ledger.completed();
      await cluster.isolate(node);
      await scene.untilCompleted(before + 50);
      await cluster.heal(node);
    }),
};
