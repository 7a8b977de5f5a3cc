import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Message } from 'agentmq/protocol';
import {
  boom,
  busy,
  claimed,
  claimOf,
  type Harness,
  newMessage,
  newMessages,
  refOf,
  settled,
  wipe,
  WORKER,
} from './harness.js';

const LONG = 60_000;

/** claim, renew, complete, fail, release. */
export function receiving(of: () => Harness): void {
  describe('receiving', () => {
    let message: Message;

    beforeEach(async () => {
      await wipe(of().store);
      message = newMessage();
      await of().store.deliveries.record([message]);
    });

    /** Alone: what becomes of suspects is told elsewhere. */
    const claim = (owner: string, leaseMs = LONG, redelivered = false) =>
      of().store.deliveries.claim([claimOf(message, { redelivered, alone: true })], owner, leaseMs);
    const delivery = async () => (await of().store.history.find(message.messageId))?.deliveries[0];

    it('claims, completes, and then tells that it is settled', async () => {
      const { store } = of();
      expect(await claim('a')).toEqual([claimed(1)]);
      expect(await delivery()).toMatchObject({ consumer: WORKER, state: 'processing', attempt: 1, agentId: 'a' });
      expect(await store.deliveries.complete([refOf(message)])).toEqual([true]);
      expect(await delivery()).toMatchObject({ state: 'completed', finishedAt: expect.any(Date) });
      expect(await claim('b', LONG, true)).toEqual([settled('completed')]);
      expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
    });

    it('does not know a message that is not stored, and does once it is recorded', async () => {
      const { store } = of();
      const stranger = newMessage();
      expect(await store.deliveries.claim([claimOf(stranger)], 'a', LONG)).toEqual([{ outcome: 'unknown' }]);
      await store.deliveries.record([stranger]);
      expect(await store.deliveries.claim([claimOf(stranger)], 'a', LONG)).toEqual([claimed(1)]);
    });

    it('claims per consumer', async () => {
      const claims = [claimOf(message), claimOf(message, { consumer: 'agent.worker-1' })];
      expect(await of().store.deliveries.claim(claims, 'a', LONG)).toEqual([claimed(1), claimed(1)]);
    });

    it('is busy while the lease runs, and claimed anew when it is over', async () => {
      await claim('a');
      expect(await claim('b')).toEqual([busy]);
      expect(await claim('b', LONG, true)).toEqual([claimed(2, 1)]);
      await of().store.deliveries.renew([refOf(message, 2)], 0);
      expect(await claim('c')).toEqual([claimed(3, 2)]);
    });

    it('answers a mixed batch in the order asked, duplicates included', async () => {
      const { store } = of();
      const [done, held, free, strange] = newMessages(4) as [Message, Message, Message, Message];
      await store.deliveries.record([done, held, free]);
      await store.deliveries.claim([claimOf(done), claimOf(held)], 'a', LONG);
      await store.deliveries.complete([refOf(done)]);
      const asked = [strange, free, done, held, free, strange, done].map((m) => claimOf(m));
      const dropped = settled('completed');
      const unknown = { outcome: 'unknown' };
      expect(await store.deliveries.claim(asked, 'b', LONG)).toEqual([
        unknown,
        claimed(1),
        dropped,
        busy,
        busy,
        unknown,
        dropped,
      ]);
    });

    it('claims a duplicate within a batch once, for the redelivered copy', async () => {
      await claim('dead');
      const asked = [claimOf(message), claimOf(message, { redelivered: true, alone: true }), claimOf(message)];
      expect(await of().store.deliveries.claim(asked, 'a', LONG)).toEqual([busy, claimed(2, 1), busy]);
    });

    it('fences: who lost the claim can neither complete, fail, renew nor release', async () => {
      const { store } = of();
      await claim('a', 0);
      await claim('b');
      expect(await store.deliveries.complete([refOf(message, 1)])).toEqual([false]);
      expect(await store.deliveries.fail([{ ...refOf(message, 1), state: 'dead', error: boom }])).toEqual([false]);
      expect(await store.deliveries.renew([refOf(message, 1)], 0)).toEqual([false]);
      await store.deliveries.release([refOf(message, 1)]);
      expect(await claim('c')).toEqual([busy]);
      expect(await store.deliveries.complete([refOf(message, 2)])).toEqual([true]);
    });

    it('completes within the claim even when its lease is over, as long as nobody else has claimed', async () => {
      await claim('a', 0);
      expect(await of().store.deliveries.complete([refOf(message)])).toEqual([true]);
    });

    it('answers which of a batch were held, in the order asked', async () => {
      const { store } = of();
      const messages = newMessages(5);
      await store.deliveries.record(messages);
      await store.deliveries.claim(
        messages.map((m) => claimOf(m)),
        'a',
        LONG,
      );
      const refs = messages.map((m, index) => refOf(m, index % 2 ? 7 : 1)).reverse();
      expect(await store.deliveries.renew(refs, LONG)).toEqual([true, false, true, false, true]);
      expect(await store.deliveries.complete([...refs, ...refs.slice(0, 1)])).toEqual([
        true,
        false,
        true,
        false,
        true,
        true,
      ]);
    });

    it('renews: the lease runs on', async () => {
      await claim('a', 0);
      expect(await of().store.deliveries.renew([refOf(message)], LONG)).toEqual([true]);
      expect(await claim('b')).toEqual([busy]);
    });

    it('fails with the error, as dead or expired', async () => {
      const { store } = of();
      const other = newMessage();
      await store.deliveries.record([other]);
      await store.deliveries.claim([claimOf(message), claimOf(other)], 'a', LONG);
      const error = { ...boom, details: { odd: '\0\ud800', list: [1] }, stack: 'Error: it broke\n  at x' };
      const failures = [
        { ...refOf(other), state: 'expired' as const, error: boom },
        { ...refOf(message), state: 'dead' as const, error },
        { ...refOf(message, 9), state: 'expired' as const, error: boom },
      ];
      expect(await store.deliveries.fail(failures)).toEqual([true, true, false]);
      expect(await delivery()).toMatchObject({ state: 'dead', error, finishedAt: expect.any(Date) });
      expect((await store.history.find(other.messageId))?.deliveries[0]).toMatchObject({
        state: 'expired',
        error: boom,
      });
      expect(await claim('b')).toEqual([settled('dead')]);
    });

    it('releases: claimed at once by the next, and the releaser is fenced off', async () => {
      const { store } = of();
      await claim('a');
      await store.deliveries.release([refOf(message)]);
      expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
      expect(await store.deliveries.renew([refOf(message)], LONG)).toEqual([false]);
      expect(await claim('b')).toEqual([claimed(2)]);
    });

    it('gives each message to one of many concurrent claimants', async () => {
      const { store, others } = of();
      const messages = newMessages(300);
      await store.deliveries.record(messages);
      const results = await Promise.all(
        others.map((claimant, index) => {
          const claims = messages.map((m) => claimOf(m));
          return claimant.deliveries.claim(index % 2 ? claims.reverse() : claims, `c-${index}`, LONG);
        }),
      );
      const outcomes = results.flat().map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'claimed')).toHaveLength(300);
      expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(300 * (others.length - 1));
      const owners = (await store.history.list({ consumer: WORKER, state: 'processing', limit: 1000 })).map(
        ({ deliveries }) => deliveries[0]?.attempt,
      );
      expect(owners).toEqual(messages.map(() => 1));
    });

    it('lets concurrent completions, renewals and redelivered claims of the same messages pass without deadlock', async () => {
      const { store, others } = of();
      const messages = newMessages(100);
      await store.deliveries.record(messages);
      await store.deliveries.claim(
        messages.map((m) => claimOf(m)),
        'first',
        LONG,
      );
      const refs = messages.map((m) => refOf(m));
      const done = await Promise.all(
        others.map(async (other, index) => {
          const mine = index % 2 ? [...refs].reverse() : refs;
          if (index % 3 === 0) return other.deliveries.complete(mine);
          if (index % 3 === 1) await other.deliveries.renew(mine, LONG);
          else
            await other.deliveries.claim(
              messages.map((each) => claimOf(each, { redelivered: true, alone: true, attempts: 100 })),
              `c-${index}`,
              LONG,
            );
          return [];
        }),
      );
      expect(done.flat().filter(Boolean).length).toBeLessThanOrEqual(100);
      const { deliveries } = await store.history.counts();
      expect(deliveries.completed + deliveries.processing).toBe(100);
    });
  });
}
