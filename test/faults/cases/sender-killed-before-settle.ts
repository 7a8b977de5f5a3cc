import type { Fault } from '../fault.js';

/** Started again as the same agent, it takes its own back at once: the lease is longer than the fault may take. */
export const senderKilledBeforeSettle: Fault = {
  name: 'sender-killed-before-settle',
  title: '1. sender killed after confirm, before settle; started again',
  needs: [],
  messages: { short: 600, long: 4_000 },
  quietWithinMs: 20_000,
  // its consumer is well: what comes again is dropped before any handler sees it
  expected: { duplicates: 0 },
  async run(scene) {
    await scene.consumer('counter-1');
    const env = { DOOM: 'kill before settle 10', MESSAGE_STORE_LEASE: '60' };
    const sender = await scene.sender('sender-1', env);
    const rounds = scene.form === 'long' ? 4 : 1;
    for (let round = 0; round < rounds; round++) {
      // more than it lives to send
      await sender.begin(100_000, { rate: 1_000 });
      await sender.ended();
      await sender.restart(round === rounds - 1 ? { DOOM: '' } : {});
    }
    scene.healed();
    await sender.send(scene.messages / 2);
  },
};
