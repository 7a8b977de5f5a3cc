import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/index.js';
import type { Fault } from '../fault.js';

/** All connections to the broker are reset, again and again. */
export const connectionsCut: Fault = {
  name: 'connections-cut',
  title: '6. all connections cut, repeatedly',
  needs: [],
  messages: { short: 1_500, long: 6_000 },
  async run(scene) {
    const proxy = await scene.proxyBroker();
    const env = scene.brokerThrough(proxy);
    const [sender] = await Promise.all([
      scene.sender('sender-1', env),
      scene.consumer('counter-1', env),
      scene.consumer('counter-2', env),
    ]);
    await sender.begin(scene.messages, { rate: scene.form === 'long' ? 300 : 400 });
    let cuts = 0;
    do {
      await until('connections to cut', () => proxy.connections >= 3, 30_000);
      await delay(Math.random() * 500);
      proxy.cut();
      cuts++;
    } while ((await sender.status()).running);
    scene.healed();
    scene.note(`${cuts} cuts`);
  },
};

/** Packets are swallowed: nobody is told, and only the missing heartbeats say that the connections are dead. */
export const connectionsHalfOpen: Fault = {
  name: 'connections-half-open',
  variation: true,
  title: '6. half-open connections, until every process notices',
  needs: [],
  messages: { short: 1_000, long: 4_000 },
  async run(scene) {
    const proxy = await scene.proxyBroker();
    const env = scene.brokerThrough(proxy, true);
    const [sender, ...consumers] = await Promise.all([
      scene.sender('sender-1', env),
      scene.consumer('counter-1', env),
      scene.consumer('counter-2', env),
    ]);
    const rounds = scene.form === 'long' ? 3 : 1;
    for (let round = 1; round <= rounds; round++) {
      await sender.begin(scene.messages / rounds, { rate: 400 });
      await scene.untilCompleted(((round - 0.7) * scene.messages) / rounds);
      proxy.freeze();
      await Promise.all(
        [sender, ...consumers].map((each) =>
          until(`${each.id} to notice`, async () => (await each.health()).info.includes('not connected'), 30_000, 50),
        ),
      );
      proxy.thaw();
      scene.note('every process noticed');
      await sender.done();
    }
    scene.healed();
  },
};
