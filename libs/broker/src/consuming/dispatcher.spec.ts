import { describe, expect, it } from '@jest/globals';
import { pause } from 'agentmq/time';
import fc from 'fast-check';
import type { Incoming } from '../broker.js';
import { Dispatcher, type Held } from './dispatcher.js';

const never = new Promise<void>(() => undefined);

type Outcome = 'running' | 'accepted' | 'given back';

class FakeHeld implements Held<Incoming> {
  readonly returns = 0;
  stale = false;
  outcomes: Outcome[] = [];
  readonly message: Incoming;

  constructor(
    readonly id: number,
    priority: number,
  ) {
    const owner = { kind: 'role', name: 'r' } as const;
    this.message = {
      recipient: owner,
      redelivered: false,
      body: Buffer.from(String(id)),
      properties: { priority, headers: {} },
    };
  }

  accept(): void {
    this.outcomes.push('accepted');
  }

  giveBack(): void {
    this.outcomes.push('given back');
  }
}

describe('Dispatcher', () => {
  it('answers for every message exactly once, runs no more than it may, and after a drain holds nothing', async () => {
    const plan = fc.record({
      ticks: fc.integer({ min: 0, max: 5 }),
      fails: fc.boolean(),
      priority: fc.integer({ min: 0, max: 10 }),
    });
    const run = async (
      plans: { ticks: number; fails: boolean }[],
      held: FakeHeld[],
      concurrency: number,
      drainAfter: number,
    ): Promise<void> => {
      let running = 0;
      const dispatcher = new Dispatcher(concurrency, async ({ body }) => {
        const { ticks, fails } = plans[Number(body.toString())] ?? { ticks: 0, fails: false };
        expect(++running).toBeLessThanOrEqual(concurrency);
        for (let tick = 0; tick < ticks; tick++) await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (fails) throw new Error('planned');
      });
      for (const [index, one] of held.entries()) {
        dispatcher.add(one);
        if (index === drainAfter) dispatcher.stop();
        if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await dispatcher.drain(never);
      for (const [index, { outcomes }] of held.entries()) {
        expect(outcomes).toHaveLength(1);
        if (plans[index]?.fails) expect(outcomes).toEqual(['given back']);
      }
      expect(running).toBe(0);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat({ max: 40 }),
        (plans, concurrency, drainAfter) =>
          run(
            plans,
            plans.map(({ priority }, id) => new FakeHeld(id, priority)),
            concurrency,
            drainAfter,
          ),
      ),
      { numRuns: 60 },
    );
  });

  it('gives back what does not end in time, and ignores its end afterwards', async () => {
    let end = (): void => undefined;
    const dispatcher = new Dispatcher(1, () => new Promise((resolve) => (end = resolve)));
    const held = new FakeHeld(0, 5);
    dispatcher.add(held);
    await dispatcher.drain(pause(20));
    end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(held.outcomes).toEqual(['given back']);
  });

  it('stopped and resumed, starts what it has kept, beside what has been running since before', async () => {
    const ends: (() => void)[] = [];
    const dispatcher = new Dispatcher(2, () => new Promise((resolve) => ends.push(resolve)));
    const held = [0, 1, 2, 3].map((id) => new FakeHeld(id, 5));
    dispatcher.add(held[0]!);
    dispatcher.stop();
    dispatcher.add(held[1]!);
    dispatcher.giveBackUnstarted();
    dispatcher.add(held[2]!);
    dispatcher.add(held[3]!);
    expect(ends).toHaveLength(1);
    dispatcher.resume();
    expect(ends).toHaveLength(2);
    for (const end of ends) end();
    await new Promise((resolve) => setImmediate(resolve));
    ends[2]?.();
    await dispatcher.drain(never);
    expect(held.map(({ outcomes }) => outcomes)).toEqual([['accepted'], ['given back'], ['accepted'], ['accepted']]);
  });

  it('forgets what became stale, and does not start it', async () => {
    const started: string[] = [];
    let end = (): void => undefined;
    const dispatcher = new Dispatcher(1, ({ body }) => {
      started.push(body.toString());
      return new Promise((resolve) => (end = resolve));
    });
    const held = [0, 1, 2].map((id) => new FakeHeld(id, 5));
    for (const one of held) dispatcher.add(one);
    if (held[1]) held[1].stale = true;
    dispatcher.forgetStale();
    end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual(['0', '2']);
    end();
    await dispatcher.drain(never);
    expect(held.map(({ outcomes }) => outcomes)).toEqual([['accepted'], [], ['accepted']]);
  });
});
