import { until } from '../../support/index.js';
import type { Fault } from '../fault.js';

/** A process that stands still for longer than its lease, is replaced, and then goes on where it stood. */
export const consumerStopped: Fault = {
  name: 'consumer-stopped',
  variation: true,
  title: '8. consumer stopped past its lease, another takes over, then continued',
  needs: [],
  messages: { short: 600, long: 4_000 },
  async run(scene) {
    const rounds = scene.form === 'long' ? 4 : 1;
    const [sender, stopped] = await Promise.all([
      scene.sender('sender-1'),
      scene.consumer('counter-1', { ...scene.quickBroker, MESSAGE_STORE_LEASE: '2', HANDLER_MS: '50' }),
    ]);
    let late = 0;
    for (let round = 0; round < rounds; round++) {
      await sender.begin(scene.messages / rounds, { rate: 300 });
      await until('it to hold messages', async () => (await scene.ledger.claimedBy('counter-1')).length > 5);
      stopped.pause();
      const held = await scene.ledger.claimedBy('counter-1');
      const other = await scene.consumer(`counter-${round + 2}`, { MESSAGE_STORE_LEASE: '2' });
      await until(
        'the other to complete what it held',
        async () => (await scene.ledger.completionTimes(held)).length === held.length,
        60_000,
        50,
      );
      const before = await scene.ledger.completionsBy('counter-1', held);
      stopped.resume();
      await until('it to be back', async () => (await stopped.health()).status === '200', 30_000, 50);
      await sender.done();
      late += (await scene.ledger.completionsBy('counter-1', held)) - before;
      await other.stop();
    }
    scene.healed();
    scene.note(`late completions: ${late}`);
    if (late > 0) throw new Error(`${late} messages were completed by a consumer that had lost them`);
  },
};

/** It stands still when its handler is done and its completion is not recorded; when it goes on, another is handling. */
export const consumerStoppedBeforeCompletion: Fault = {
  name: 'consumer-stopped-before-completion',
  title: '8. consumer stopped before it records a completion, continued while another handles the message',
  needs: [],
  messages: { short: 400, long: 4_000 },
  async run(scene) {
    const rounds = scene.form === 'long' ? 6 : 2;
    const sender = await scene.sender('sender-1');
    for (let round = 1; round <= rounds; round++) {
      const first = `counter-${2 * round - 1}`;
      const second = `counter-${2 * round}`;
      // one message after the other, the last of which it does not complete; every other one is handled in a transaction
      const slow = {
        CONCURRENCY: '1',
        PREFETCH: '2',
        MESSAGE_STORE_LEASE: '2',
        DOOM: `stop before complete ${4 + round}`,
      };
      const stopped = await scene.consumer(first, { ...slow, ...scene.quickBroker });
      await sender.send(4 + round, { sending: 1 });
      const held = await until(
        'it to stand still',
        steady(() => scene.ledger.claimedBy(first)),
        30_000,
        300,
      );
      const other = await scene.consumer(second, { HELD: 'yes', MESSAGE_STORE_LEASE: '30' });
      const taken = async (): Promise<boolean> =>
        (await scene.ledger.claimedBy(second)).some((id) => held.includes(id));
      await until('the other to take over', taken, 30_000, 50);
      stopped.resume();
      await until('it to be back', async () => (await stopped.health()).status === '200', 30_000, 50);
      // whoever has them now has not completed one, so nobody may have
      const late = (await scene.ledger.completionTimes(held)).length;
      if (late > 0) throw new Error(`${late} messages were completed by a consumer that had lost them`);
      await other.release();
      await sender.send(scene.messages / rounds - 4 - round);
      await scene.untilCompleted((round * scene.messages) / rounds);
      await Promise.all([stopped.stop(), other.stop()]);
    }
    await scene.consumer('counter-0');
  },
};

/** Resolves with what `ids` does, once it is not empty and the same as at the call before. */
function steady(ids: () => Promise<string[]>): () => Promise<string[] | undefined> {
  let before = '';
  return async () => {
    const now = await ids();
    const same = now.length > 0 && now.join() === before;
    before = now.join();
    return same ? now : undefined;
  };
}
