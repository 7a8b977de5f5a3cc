import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import type { SenderProcess } from '../agent-process.js';

/** Every second one of the processes, whichever, dies and is started again. */
export const randomKills: Fault = {
  name: 'random-kills',
  title: '3. random processes killed every second',
  needs: [],
  messages: { short: 1_500, long: 10_000 },
  async run(scene) {
    const seconds = scene.form === 'long' ? 30 : 6;
    const rate = scene.messages / seconds / 2;
    const load = (sender: SenderProcess): Promise<void> => sender.begin(scene.messages, { rate });
    const senders = await Promise.all(['sender-1', 'sender-2'].map((id) => scene.sender(id)));
    const consumers = await Promise.all(['counter-1', 'counter-2', 'counter-3'].map((id) => scene.consumer(id)));
    await Promise.all(senders.map(load));
    const all = [...senders, ...consumers];
    const starting = new Map<string, Promise<void>>();
    const again = async (victim: (typeof all)[number]): Promise<void> => {
      await victim.restart();
      const sender = senders.find((each) => each === victim);
      if (sender) await load(sender);
    };
    for (let second = 0; second < seconds; second++) {
      await delay(1_000);
      const victims = all.filter(({ id }) => !starting.has(id));
      const victim = victims[Math.floor(Math.random() * victims.length)];
      if (!victim) continue;
      await victim.kill();
      starting.set(
        victim.id,
        again(victim).finally(() => starting.delete(victim.id)),
      );
    }
    await Promise.all(starting.values());
    scene.healed();
    await Promise.all(senders.map((sender) => sender.finish()));
  },
};
