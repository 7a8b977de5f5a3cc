import type { Fault } from '../fault.js';

/** Nobody starts the sender again: what it committed and did not publish is for others, once its lease has run out. */
export const senderKilledAfterCommit: Fault = {
  name: 'sender-killed-after-commit',
  title: '1. sender killed after commit, before publish; another serves it',
  needs: [],
  messages: { short: 600, long: 4_000 },
  // its consumer is well: what comes again is dropped before any handler sees it
  expected: { duplicates: 0 },
  async run(scene) {
    await scene.consumer('counter-1');
    // cut off from the broker, so that what it has committed is certainly not published when it dies
    const proxy = await scene.proxyBroker();
    const cutOff = await scene.sender('sender-1', scene.brokerThrough(proxy));
    proxy.refuse();
    proxy.cut();
    await cutOff.send(scene.messages / 2);
    await cutOff.kill();
    // and one that dies in the very moment between commit and publish
    const sender = await scene.sender('sender-2', { DOOM: 'kill after append 12' });
    // more than it lives to send
    await sender.begin(100_000, { rate: 2_000 });
    await sender.ended();
    scene.healed();
    const rest = await scene.sender('sender-3');
    await rest.send(scene.messages / 2);
  },
};
