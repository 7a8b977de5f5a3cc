import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/index.js';
import type { ConsumerProcess } from '../agent-process.js';
import type { Fault } from '../fault.js';
import type { Scene } from '../scene.js';

/** One consumer dies again and again at a certain moment, and another takes over what it held. */
async function killAt(scene: Scene, doom: string): Promise<void> {
  const [sender, mortal] = await Promise.all([
    scene.sender('sender-1'),
    scene.consumer('counter-1', { DOOM: doom, MESSAGE_STORE_LEASE: '30', HANDLER_MS: '50' }),
    scene.consumer('counter-2', { MESSAGE_STORE_LEASE: '30', HANDLER_MS: '50' }),
  ]);
  await sender.begin(scene.messages, { rate: 400 });
  const takeovers: number[] = [];
  for (;;) {
    await mortal.ended();
    takeovers.push(...(await takeover(scene, 'counter-1', Date.now())));
    // On a busy machine another may have taken over what it held before the ledger is asked.
    const isEnough = scene.form === 'short' && takeovers.length > 0;
    if (isEnough || !(await sender.status()).running) break;
    await startAgain(mortal);
  }
  if (takeovers.length === 0) throw new Error('the consumer held nothing when it was killed');
  scene.note(
    `from SIGKILL of a consumer to its messages completed by another: ${Math.min(...takeovers)} to ${Math.max(...takeovers)} ms (${takeovers.length} messages)`,
  );
  await sender.done();
}

/** What comes again may end it before it is ready. */
async function startAgain(mortal: ConsumerProcess): Promise<void> {
  await mortal.restart().catch((error: unknown) => {
    if (mortal.running) throw error;
  });
}

/** When what an agent held has been completed by others, in ms after its death; what it had completed itself is left out. */
async function takeover(scene: Scene, agentId: string, diedAt: number): Promise<number[]> {
  const held = await scene.ledger.claimedBy(agentId);
  const times = await until(
    `what ${agentId} held to be completed by another`,
    async () => {
      const found = await scene.ledger.completionTimes(held);
      return found.length === held.length ? found : undefined;
    },
    30_000,
    20,
  );
  return times.map((time) => time - diedAt);
}

const messages = { short: 1_000, long: 5_000 };

export const consumerKilledAfterClaim: Fault = {
  name: 'consumer-killed-after-claim',
  title: '2. consumer killed after claim',
  needs: [],
  messages,
  run: (scene) => killAt(scene, 'kill after claim 30'),
};

export const consumerKilledInHandler: Fault = {
  name: 'consumer-killed-in-handler',
  variation: true,
  title: '2. consumer killed in the handler, after its effect',
  needs: [],
  messages,
  run: (scene) => killAt(scene, 'kill in handler 100'),
};

const KILLS = { short: 2, long: 100 };
/** By when the handlers of a consumer that has just started have begun, and how far apart its kills are from there, in ms. */
const EARLIEST_MS = 100;
const SPREAD_MS = 200;

/**
 * Its handlers write by an injected repository of the app's own DataSource: wherever a kill meets them, before the write, between
 * write and completion, or in the commit, effect and completion are there both or not at all.
 */
export const repositoryHandlerKilled: Fault = {
  name: 'repository-handler-killed',
  title: "2. consumer killed at random moments, its handlers writing by the app's repository",
  needs: [],
  messages: { short: 500, long: 20_000 },
  async run(scene) {
    const env = { BY_REPOSITORY: 'yes', HANDLER_MS: '10', CONCURRENCY: '8', PREFETCH: '16' };
    const [sender, mortal] = await Promise.all([
      scene.sender('sender-1'),
      scene.consumer('counter-1', env),
      scene.consumer('counter-2', env),
    ]);
    await sender.begin(1_000_000, { rate: 150 });
    let caught = 0;
    for (let kill = 1; kill <= KILLS[scene.form]; kill++) {
      if (kill > 1) await mortal.restart();
      await delay(EARLIEST_MS + Math.random() * SPREAD_MS);
      await mortal.kill();
      caught += (await scene.ledger.claimedBy('counter-1')).length;
    }
    scene.note(`${KILLS[scene.form]} kills caught ${caught} handlers at work`);
    if (caught === 0) throw new Error('no handler was at work when its process was killed');
    scene.healed();
    await sender.finish();
  },
};

/** The claims of what is completed are no longer held: what the dead consumer did not acknowledge comes again, and is dropped. */
async function killBeforeAck(scene: Scene, doom: string): Promise<void> {
  const [sender, mortal] = await Promise.all([
    scene.sender('sender-1'),
    scene.consumer('counter-1', { DOOM: doom, MESSAGE_STORE_LEASE: '30' }),
    scene.consumer('counter-2', { MESSAGE_STORE_LEASE: '30' }),
  ]);
  await sender.begin(scene.messages, { rate: scene.form === 'long' ? 400 : 250 });
  do {
    await mortal.ended();
    if (scene.form === 'long') await startAgain(mortal);
  } while (scene.form === 'long' && (await sender.status()).running);
  scene.healed();
  await sender.done();
}

export const consumerKilledBeforeAck: Fault = {
  name: 'consumer-killed-before-ack',
  variation: true,
  title: '2. consumer killed after completion, before the ack',
  needs: [],
  messages,
  run: (scene) => killBeforeAck(scene, 'kill after complete 20'),
};

export const consumerKilledAfterCommit: Fault = {
  name: 'consumer-killed-after-commit',
  title: "2. consumer killed after the handler's commit, before the ack",
  needs: [],
  messages,
  run: (scene) => killBeforeAck(scene, 'kill after transaction 50'),
};
