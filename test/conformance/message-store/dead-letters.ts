import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Message } from 'agentmq/protocol';
import { boom, claimOf, type Harness, newMessage, newMessages, refOf, wipe, WORKER } from './harness.js';

const LONG = 60_000;

/** What is kept of a dead letter, and discard. */
export function deadLetters(of: () => Harness): void {
  describe('dead letters', () => {
    beforeEach(() => wipe(of().store));

    async function dead(messages: readonly Message[]): Promise<void> {
      const { store } = of();
      await store.deliveries.record(messages);
      await store.deliveries.claim(
        messages.map((message) => claimOf(message)),
        'a',
        LONG,
      );
      await store.deliveries.fail(messages.map((message) => ({ ...refOf(message), state: 'dead', error: boom })));
    }
    const ids = async (filter: Parameters<Harness['store']['history']['list']>[0]) =>
      (await of().store.history.list(filter)).map(({ message }) => message.messageId);

    it('keep every failed attempt: when, at whom, and why', async () => {
      const { store } = of();
      const message = newMessage();
      await store.deliveries.record([message]);
      const first = { ...boom, message: 'first', stack: 'Error: first\n  at x', details: { at: new Date(0) } };
      await store.deliveries.claim([claimOf(message)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(message), state: 'retrying', retryInMs: 0, error: first }]);
      await store.deliveries.claim([claimOf(message)], 'b', LONG);
      await store.deliveries.fail([{ ...refOf(message, 2), state: 'dead', error: boom }]);
      const [delivery] = (await store.history.find(message.messageId))?.deliveries ?? [];
      expect(delivery).toMatchObject({ state: 'dead', error: boom, attempt: 2, dueAt: null, discarded: null });
      expect(delivery?.history).toEqual([
        { attempt: 1, at: expect.any(Date), agentId: 'a', error: first },
        { attempt: 2, at: expect.any(Date), agentId: 'b', error: boom },
      ]);
      const [earlier, later] = delivery?.history ?? [];
      expect(Number(earlier?.at)).toBeLessThanOrEqual(Number(later?.at));
      expect(Math.abs(Number(earlier?.at) - Number(await store.database.now()))).toBeLessThan(LONG);
    });

    it('tell when a retry is due', async () => {
      const { store } = of();
      const message = newMessage();
      await store.deliveries.record([message]);
      await store.deliveries.claim([claimOf(message)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(message), state: 'retrying', retryInMs: LONG, error: boom }]);
      const [delivery] = (await store.history.find(message.messageId))?.deliveries ?? [];
      expect(Math.abs(Number(delivery?.dueAt) - Number(await store.database.now()) - LONG)).toBeLessThan(LONG / 2);
    });

    it('are listed in the order in which they were stored, whatever their ids, page after page', async () => {
      const messages = ['b', 'z', 'a', '9', 'c'].map((messageId) => newMessage({ messageId }));
      for (const message of messages) await dead([message]);
      const pages: string[][] = [await ids({ state: 'dead', limit: 2 })];
      while (pages.at(-1)?.length === 2)
        pages.push(await ids({ state: 'dead', limit: 2, after: pages.at(-1)?.[1] ?? '' }));
      expect(pages).toEqual([['b', 'z'], ['a', '9'], ['c']]);
      await expect(of().store.history.list({ state: 'dead', after: 'none' })).rejects.toMatchObject({
        code: 'INVALID_SELECTION',
      });
    });

    it('are listed without their bodies if asked, however large', async () => {
      const message = newMessage({ body: Buffer.alloc(1_000_000, 'x') });
      await dead([message]);
      const [listed] = await of().store.history.list({ state: 'dead', bodies: false });
      expect(listed?.message).toEqual({ ...message, body: Buffer.alloc(0) });
    });

    it('keep the beginning of a reason that is too long', async () => {
      const message = newMessage();
      await dead([message]);
      await of().store.replays.discard([refOf(message)], 'x'.repeat(1_000_000));
      const [delivery] = (await of().store.history.find(message.messageId))?.deliveries ?? [];
      expect(delivery?.discarded?.reason).toMatch(/^x{1000}… \(1000000 characters\)$/);
    });

    it('are discarded with a reason, and are then listed only when asked for', async () => {
      const { store } = of();
      const [kept, gone] = newMessages(2) as [Message, Message];
      await dead([kept, gone]);
      expect(await store.replays.discard([refOf(gone)], 'a "test"\0\ud800')).toEqual([true]);
      expect(await ids({ state: 'dead' })).toEqual([kept.messageId]);
      expect(await ids({ state: 'dead', consumer: WORKER, discarded: true })).toEqual([kept.messageId, gone.messageId]);
      expect(await ids({ consumer: WORKER })).toEqual([kept.messageId, gone.messageId]);
      const [delivery] = (await store.history.find(gone.messageId))?.deliveries ?? [];
      expect(delivery).toMatchObject({
        state: 'dead',
        error: boom,
        discarded: { at: expect.any(Date), reason: 'a "test"\ufffd\ufffd' },
      });
      expect(Math.abs(Number(delivery?.discarded?.at) - Number(await store.database.now()))).toBeLessThan(LONG);
    });

    it('are grouped by consumer, contract and error, whatever ids and numbers are in its text; a group is discarded alone', async () => {
      const { store } = of();
      const failed = async (type: string, message: string, code = 'BOOM'): Promise<Message> => {
        const letter = newMessage({ type });
        await store.deliveries.record([letter]);
        await store.deliveries.claim([claimOf(letter)], 'a', LONG);
        await store.deliveries.fail([{ ...refOf(letter), state: 'dead', error: { ...boom, code, message } }]);
        return letter;
      };
      const first = await failed('order', 'order 4711 of customer-17 is bad');
      const second = await failed('order', 'order 815 of customer-9 is bad');
      const other = await failed('invoice', 'order 1 of customer-1 is bad');
      await failed('order', 'order 1 of customer-1 is bad', 'BANG');
      // JSON escapes what Postgres has no text for: the row is written all the same
      const odd = await failed('order', 'a \0 and half a pair: \ud800');

      const groups = await store.deadLetters.groups();
      expect(groups.map(({ type, count, more, error }) => ({ type, count, more, code: error?.code }))).toEqual([
        { type: 'order', count: 1, more: false, code: 'BOOM' },
        { type: 'order', count: 1, more: false, code: 'BANG' },
        { type: 'invoice', count: 1, more: false, code: 'BOOM' },
        { type: 'order', count: 2, more: false, code: 'BOOM' },
      ]);
      expect(groups[0]).toMatchObject({ example: odd.messageId, errorGroup: 'unreadable' });
      expect(groups[3]).toMatchObject({ example: second.messageId, consumer: WORKER, version: 1 });
      expect(groups[2]).toMatchObject({ example: other.messageId, errorGroup: groups[3]?.errorGroup });

      const { type, version, consumer, errorGroup } = groups[3] as (typeof groups)[number];
      const group = { type, version, consumer, errorGroup };
      const listed = await store.deadLetters.list(group);
      expect(listed.map(({ messageId }) => messageId)).toEqual([second.messageId, first.messageId]);
      expect(await store.deadLetters.list(group, { limit: 1, after: listed[0] })).toEqual([listed[1]]);
      expect(await store.deadLetters.list({ error: 'CUSTOMER-9' })).toMatchObject([{ messageId: second.messageId }]);
      expect(await store.replays.discardSelected(group, 'seen to', { dryRun: true })).toMatchObject({ replayed: 2 });
      expect(await store.replays.discardSelected(group, 'seen to')).toMatchObject({ matched: 2, replayed: 2 });
      expect(await store.deadLetters.list(group)).toEqual([]);
      expect(await store.deadLetters.groups()).toHaveLength(3);
    });

    it('keep the first reason', async () => {
      const { store } = of();
      const message = newMessage();
      await dead([message]);
      await store.replays.discard([refOf(message)], 'first');
      expect(await store.replays.discard([refOf(message)], 'second')).toEqual([false]);
      expect((await store.history.find(message.messageId))?.deliveries).toMatchObject([
        { discarded: { reason: 'first' } },
      ]);
    });

    it('and what has expired are discarded where both are asked for', async () => {
      const { store } = of();
      const message = newMessage();
      await store.deliveries.record([message]);
      await store.deliveries.claim([claimOf(message)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(message), state: 'expired', error: boom }]);
      const both = { states: ['dead', 'expired'] } as const;
      expect(await store.replays.discard([refOf(message)], 'no')).toEqual([false]);
      expect(await store.replays.discard([refOf(message)], 'yes', both)).toEqual([true]);
      expect(await store.replays.discard([refOf(message)], 'again', both)).toEqual([false]);
    });

    it('alone are discarded; the answers come in the order asked', async () => {
      const { store } = of();
      const messages = newMessages(4);
      const [completed, pending, first, second] = messages as [Message, Message, Message, Message];
      await store.outbox.append([pending], { owner: 'o', leaseMs: LONG });
      await store.deliveries.record([completed]);
      await store.deliveries.claim([claimOf(completed)], 'a', LONG);
      await store.deliveries.complete([refOf(completed)]);
      await dead([first, second]);
      const asked = [...[second, completed, pending, first].map((m) => refOf(m)), refOf(second), refOf(newMessage())];
      expect(await store.replays.discard(asked, 'done with')).toEqual([true, false, false, true, true, false]);
      expect(await store.replays.discard([], 'nothing')).toEqual([]);
      expect(await ids({ state: 'dead' })).toEqual([]);
      expect((await store.history.counts()).deliveries).toMatchObject({ completed: 1, pending: 1, dead: 2 });
    });

    it('are discarded by many at once without deadlock', async () => {
      const { others } = of();
      const messages = newMessages(100);
      await dead(messages);
      const refs = messages.map((message) => refOf(message));
      const answers = await Promise.all(
        others.map((other, index) => other.replays.discard(index % 2 ? [...refs].reverse() : refs, `${index}`)),
      );
      const times = messages.map(
        (_, n) => answers.filter((answer, index) => answer[index % 2 ? messages.length - 1 - n : n]).length,
      );
      expect(new Set(times)).toEqual(new Set([1]));
    });
  });
}
