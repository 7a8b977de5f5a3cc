import { resolve } from 'node:path';
import type { Fault } from '../fault.js';
import { FAILING_DELAY_MS } from '../numbered.js';

const AHEAD_MS = 2 * 3_600_000;
const DELAY_MS = 2_000;

/** A sender and a consumer whose clock is wrong, beside one of each whose clock is right. */
export const clockAhead: Fault = {
  name: 'clock-ahead',
  title: '12. clock of a sender and of a consumer two hours ahead',
  needs: [],
  messages: { short: 400, long: 4_000 },
  expected: { duplicates: 0 },
  async run(scene) {
    const wrong = {
      NODE_OPTIONS: `--import=${resolve('dist/test/faults/processes/clock-ahead.js')}`,
      CLOCK_AHEAD_MS: String(AHEAD_MS),
      // the time to live is shorter than what the clocks differ by
      MESSAGE_BUS_MESSAGE_TTL: '3600',
    };
    const [right, ahead] = await Promise.all([
      scene.sender('sender-1'),
      scene.sender('sender-2', wrong),
      scene.consumer('counter-1'),
      scene.consumer('counter-2', wrong),
    ]);
    for (const sender of [right, ahead]) {
      await sender.send(scene.messages / 4);
      await sender.send(scene.messages / 8, { kind: 'failing' });
      await sender.send(scene.messages / 8, { delayMs: DELAY_MS });
    }
    scene.healed();
    await scene.quiet();
    const early = await scene.ledger.earlyRetries(FAILING_DELAY_MS / 2);
    const { due, handled, astray } = await scene.ledger.delayed();
    scene.note(
      `retried early: ${early}; delayed by ${DELAY_MS} ms: due ${due.least} to ${due.most} ms after sending, ` +
        `completed ${handled.least} to ${handled.most} ms after they were due`,
    );
    if (early > 0) throw new Error(`${early} messages were retried early`);
    if (handled.least < 0) throw new Error(`a message was handled ${-handled.least} ms before it was due`);
    if (due.least !== DELAY_MS || due.most !== DELAY_MS)
      throw new Error(`messages were due ${due.least} to ${due.most} ms after they were sent`);
    // the sender's clock is two hours off: a minute leaves room for a slow machine, and for no such clock
    if (astray > 60_000) throw new Error(`a message was sent ${astray} ms away from when it was stored`);
  },
};
