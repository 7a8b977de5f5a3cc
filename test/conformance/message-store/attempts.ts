import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Message } from 'agentmq/protocol';
import type { Claim, ClaimResult, StoredDelivery } from 'agentmq/message-store';
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
  suspect,
  waiting,
  wipe,
  WORKER,
} from './harness.js';

const LONG = 60_000;
const due = { owner: 'sender-1', leaseMs: 0 };

/** Attempts that fail, that are cut off, and that come too late. */
export function attempts(of: () => Harness): void {
  describe('attempts', () => {
    let message: Message;

    beforeEach(async () => {
      await wipe(of().store);
      message = newMessage();
      await of().store.outbox.append([message], due);
      await of().store.outbox.settle(await of().store.outbox.leaseDue('relay', 1, LONG));
    });

    const change = (sql: string): Promise<unknown> =>
      of().store.database.transaction((transaction) =>
        transaction.query(sql.replaceAll('{}', `"${of().store.database.schema}"`)),
      );
    const claim = (owner: string, fields: Partial<Claim> = {}, leaseMs = LONG): Promise<ClaimResult[]> =>
      of().store.deliveries.claim([claimOf(message, fields)], owner, leaseMs);
    const retry = (attempt: number, retryInMs = 0): Promise<boolean[]> =>
      of().store.deliveries.fail([{ ...refOf(message, attempt), state: 'retrying', retryInMs, error: boom }]);
    const delivery = async (which: Message = message): Promise<StoredDelivery | undefined> =>
      (await of().store.history.find(which.messageId))?.deliveries[0];

    it('puts a failed attempt on its way again: due later, to this consumer alone, as a copy', async () => {
      const { store } = of();
      expect(await claim('a')).toEqual([claimed(1)]);
      expect(await retry(1)).toEqual([true]);
      const failed = { attempt: 1, at: expect.any(Date), agentId: 'a', error: boom };
      expect(await delivery()).toMatchObject({
        state: 'retrying',
        attempt: 1,
        error: boom,
        dueAt: expect.any(Date),
        finishedAt: null,
        history: [failed],
      });
      expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
      expect(await store.history.find(message.messageId)).toMatchObject({ published: false });
      const entries = await store.outbox.leaseDue('relay', 10, LONG);
      expect(entries).toEqual([
        { id: expect.any(String), lease: 2, consumer: WORKER, message: { ...message, attempt: 2 } },
      ]);
      expect(await claim('b')).toEqual([claimed(2, 1)]);
      expect(await delivery()).toMatchObject({ state: 'processing', agentId: 'b', dueAt: null });
      expect(await store.deliveries.complete([refOf(message, 2)])).toEqual([true]);
      await store.outbox.settle(entries);
      expect(await store.history.find(message.messageId)).toMatchObject({ published: true });
    });

    it('waits until a retry is due, redelivered or not', async () => {
      const { store } = of();
      await claim('a');
      const before = (await store.database.now()).getTime();
      await retry(1, 3_600_000);
      const dueAt = (await delivery())?.dueAt?.getTime() ?? 0;
      expect(dueAt).toBeGreaterThanOrEqual(before + 3_600_000);
      expect(dueAt).toBeLessThanOrEqual((await store.database.now()).getTime() + 3_600_000);
      expect(await claim('b')).toEqual([waiting]);
      expect(await claim('b', { redelivered: true })).toEqual([waiting]);
      expect(await store.outbox.leaseDue('relay', 10, LONG)).toEqual([]);
      expect(await delivery()).toMatchObject({ state: 'retrying', attempt: 1 });
    });

    it('takes no failure from who lost the claim: no retry either', async () => {
      const { store } = of();
      await claim('a', {}, 0);
      await claim('b', { alone: true });
      expect(await retry(1)).toEqual([false]);
      expect(await store.outbox.size(10)).toBe(0);
      expect(await delivery()).toMatchObject({ state: 'processing', attempt: 2 });
      expect((await delivery())?.history).toHaveLength(1);
    });

    it('answers a mixed batch of failures, one asked for twice with the first word', async () => {
      const { store } = of();
      const [a, b, c] = newMessages(3) as [Message, Message, Message];
      await store.deliveries.record([a, b, c]);
      await store.deliveries.claim([claimOf(a), claimOf(b), claimOf(c)], 'x', LONG);
      const error = { ...boom, message: 'second' };
      expect(
        await store.deliveries.fail([
          { ...refOf(c), state: 'dead', error: boom },
          { ...refOf(b, 4), state: 'retrying', retryInMs: 0, error: boom },
          { ...refOf(a), state: 'retrying', retryInMs: 0, error: boom },
          { ...refOf(a), state: 'dead', error },
        ]),
      ).toEqual([true, false, true, true]);
      expect(await Promise.all([a, b, c].map(async (m) => (await delivery(m))?.state))).toEqual([
        'retrying',
        'processing',
        'dead',
      ]);
      expect((await store.outbox.leaseDue('relay', 10, LONG)).map((entry) => entry.message.messageId)).toEqual([
        a.messageId,
      ]);
      expect(await delivery(c)).toMatchObject({ error: boom, history: [{ attempt: 1, agentId: 'x', error: boom }] });
    });

    it('keeps the latest 20 failed attempts, oldest first', async () => {
      for (let attempt = 1; attempt <= 23; attempt++) {
        expect(await claim(`a-${attempt}`)).toEqual([claimed(attempt, attempt - 1)]);
        await retry(attempt);
      }
      const history = (await delivery())?.history ?? [];
      expect(history.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, index) => index + 4));
      expect(history[0]?.agentId).toBe('a-4');
    });

    it('gives a message whose claimant died once to the next one at once', async () => {
      await claim('dead');
      expect(await claim('b', { redelivered: true })).toEqual([claimed(2, 1)]);
    });

    it('suspects one whose last attempt comes after a death', async () => {
      await claim('dead', { attempts: 2 });
      expect(await claim('b', { redelivered: true, attempts: 2 })).toEqual([suspect]);
      expect(await claim('b', { alone: true, attempts: 2 })).toEqual([claimed(2, 1)]);
    });

    it('suspects a message whose claimants died twice: it is free, and claimed again alone', async () => {
      const { store } = of();
      const neighbour = newMessage();
      await store.deliveries.record([neighbour]);
      await store.deliveries.claim([claimOf(message), claimOf(neighbour)], 'dead', 0);
      await store.deliveries.claim([claimOf(message), claimOf(neighbour)], 'dead', LONG);
      const redelivered = [message, neighbour].map((m) => claimOf(m, { redelivered: true }));
      expect(await store.deliveries.claim(redelivered, 'b', LONG)).toEqual([suspect, suspect]);
      expect(await delivery()).toMatchObject({
        state: 'processing',
        attempt: 2,
        agentId: 'dead',
        history: [1, 2].map((attempt) => ({ attempt, agentId: 'dead', error: { code: 'CLAIM_LOST' } })),
      });
      // The dead one, should it live after all, can't complete; nor does asking again count.
      expect(await store.deliveries.complete([refOf(message, 2)])).toEqual([false]);
      expect(await claim('b', { redelivered: true })).toEqual([suspect]);
      expect(await claim('b', { alone: true })).toEqual([claimed(3, 2)]);
      expect(await claim('c', { alone: true })).toEqual([busy]);
      expect(await store.deliveries.complete([refOf(message, 3)])).toEqual([true]);
    });

    it('stays suspect after an orderly failure, and keeps the time of its retry', async () => {
      await claim('dead', {}, 0);
      await claim('dead', {}, 0);
      expect(await claim('b', { alone: true })).toEqual([claimed(3, 2)]);
      await retry(3);
      const { dueAt } = (await delivery()) ?? {};
      expect(dueAt).toEqual(expect.any(Date));
      expect(await claim('c')).toEqual([suspect]);
      expect(await delivery()).toMatchObject({ state: 'retrying', dueAt });
      expect(await claim('c', { alone: true })).toEqual([claimed(4, 3)]);
    });

    it('ends a poisonous message at its last attempt', async () => {
      const { store } = of();
      await claim('a', { attempts: 2 }, 0);
      expect(await claim('b', { attempts: 2, alone: true }, 0)).toEqual([claimed(2, 1)]);
      expect(await claim('c', { attempts: 2 })).toEqual([settled('dead', true)]);
      expect(await delivery()).toMatchObject({
        state: 'dead',
        attempt: 2,
        agentId: 'b',
        error: { code: 'POISON_MESSAGE', retryable: false },
        finishedAt: expect.any(Date),
      });
      expect((await delivery())?.history.map(({ agentId }) => agentId)).toEqual(['a', 'b']);
      expect(await claim('d', { attempts: 2 })).toEqual([settled('dead')]);
      expect(await store.deliveries.complete([refOf(message, 2)])).toEqual([false]);
    });

    it('does not count what was given back', async () => {
      const { store } = of();
      for (let attempt = 1; attempt <= 4; attempt++) {
        expect(await claim('a', { attempts: 2, redelivered: true })).toEqual([claimed(attempt)]);
        await store.deliveries.release([refOf(message, attempt)]);
      }
      expect((await delivery())?.history).toEqual([]);
    });

    it('settles what has expired by the clock of the database, and says so once', async () => {
      const { store } = of();
      const past = { expiresAt: new Date((await store.database.now()).getTime() - 1) };
      const [owed, foreign] = [newMessage(past), newMessage(past)];
      await store.outbox.append([owed], { owner: 'o', leaseMs: LONG });
      await store.deliveries.record([foreign]);
      const asked = [owed, foreign, owed].map((m) => claimOf(m));
      const first = [settled('expired', true), settled('expired', true), settled('expired')];
      expect(await store.deliveries.claim(asked, 'a', LONG)).toEqual(first);
      expect(await store.deliveries.claim(asked, 'a', LONG)).toEqual(asked.map(() => settled('expired')));
      for (const each of [owed, foreign]) {
        expect(await delivery(each)).toMatchObject({
          state: 'expired',
          attempt: 0,
          agentId: null,
          error: { code: 'MESSAGE_EXPIRED' },
          finishedAt: expect.any(Date),
        });
      }
    });

    it('never hands out again what expired while its claimant died, but leaves who still holds it', async () => {
      const { store } = of();
      await claim('a');
      await change(`UPDATE {}.messages SET expires_at = now() - interval '1 second'`);
      expect(await claim('b')).toEqual([busy]);
      expect(await store.deliveries.renew([refOf(message)], 0)).toEqual([true]);
      expect(await claim('b')).toEqual([settled('expired', true)]);
      expect(await delivery()).toMatchObject({ state: 'expired', history: [{ error: { code: 'CLAIM_LOST' } }] });
      expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
    });

    it('rejects over what nobody holds, and leaves what is claimed or settled', async () => {
      const { store } = of();
      const [owed, retrying, free, held, done] = newMessages(5) as [Message, Message, Message, Message, Message];
      const all = [owed, retrying, free, held, done];
      await store.outbox.append(all, { owner: 'o', leaseMs: LONG });
      await store.deliveries.claim(
        all.slice(1).map((m) => claimOf(m)),
        'a',
        LONG,
      );
      await store.deliveries.fail([{ ...refOf(retrying), state: 'retrying', retryInMs: LONG, error: boom }]);
      await store.deliveries.release([refOf(free)]);
      await store.deliveries.complete([refOf(done)]);
      const error = { ...boom, code: 'UNKNOWN_TYPE' };
      const rejection = { consumer: WORKER, state: 'dead', error } as const;
      await store.deliveries.reject(
        all.flatMap((each) => [
          { message: each, ...rejection },
          { message: each, ...rejection },
        ]),
      );
      const found = await Promise.all(all.map((m) => delivery(m)));
      expect(found.map((each) => each?.state)).toEqual(['dead', 'dead', 'dead', 'processing', 'completed']);
      expect(found[0]).toMatchObject({ attempt: 0, error, receivedAt: expect.any(Date), finishedAt: expect.any(Date) });
      expect(found[1]).toMatchObject({ attempt: 1, error, dueAt: null, history: [{ error: boom }] });
      expect(await store.deliveries.claim([claimOf(retrying)], 'b', LONG)).toEqual([settled('dead')]);
    });

    it('rejects over the claim of one whose lease has run out', async () => {
      const { store } = of();
      await claim('dead', {}, 0);
      await store.deliveries.reject([{ message, consumer: WORKER, state: 'dead', error: boom }]);
      expect(await delivery()).toMatchObject({ state: 'dead', error: boom });
      expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
    });

    it('lets the broker take from a claimant only the copy that it has', async () => {
      await claim('a', { copy: '1.1' });
      expect(await claim('b', { copy: '2.2', redelivered: true, alone: true })).toEqual([busy]);
      expect(await claim('b', { copy: '', redelivered: true, alone: true })).toEqual([busy]);
      expect(await of().store.deliveries.complete([refOf(message, 9)])).toEqual([false]);
      expect(await claim('b', { copy: '1.1', redelivered: true, alone: true })).toEqual([claimed(2, 1)]);
      expect(await retry(2)).toEqual([true]);
      expect(await claim('c', { copy: '3.2', alone: true })).toEqual([claimed(3, 2)]);
      expect(await claim('d', { copy: '1.1', redelivered: true, alone: true })).toEqual([busy]);
      expect(await claim('d', { copy: '3.2', redelivered: true, alone: true })).toEqual([claimed(4, 3)]);
    });

    it('answers of two that ask in one batch the one alone, else the redelivered one', async () => {
      const { store } = of();
      await claim('dead', {}, 0);
      await claim('dead', {}, 0);
      expect(await claim('b')).toEqual([suspect]);
      const [plain, again, alone] = [
        claimOf(message),
        claimOf(message, { redelivered: true }),
        claimOf(message, { alone: true }),
      ];
      expect(await store.deliveries.claim([plain, again], 'b', LONG)).toEqual([busy, suspect]);
      expect(await store.deliveries.claim([again, plain, again], 'b', LONG)).toEqual([suspect, busy, busy]);
      expect(await store.deliveries.claim([again, plain, alone], 'b', LONG)).toEqual([busy, busy, claimed(3, 2)]);
    });

    it('gives a redelivered message to claimants that race for it one after the other, and the last one holds it', async () => {
      const { store, others } = of();
      await claim('dead');
      const results = await Promise.all(
        others.map((other, index) =>
          other.deliveries.claim(
            [claimOf(message, { redelivered: true, alone: true, attempts: 100 })],
            `c-${index}`,
            LONG,
          ),
        ),
      );
      const taken = results.flat().flatMap((result) => (result.outcome === 'claimed' ? [result.attempt] : []));
      expect([...taken].sort((a, b) => a - b)).toEqual(taken.map((_, index) => index + 2));
      expect(taken.length).toBeGreaterThan(0);
      const completed = await store.deliveries.complete(taken.map((attempt) => refOf(message, attempt)));
      expect(taken.filter((_, index) => completed[index])).toEqual([Math.max(...taken)]);
    });

    it('gives what many claimants ask for at once to one of them', async () => {
      const { store, others } = of();
      const messages = newMessages(200);
      await store.outbox.append(messages, { owner: 'o', leaseMs: LONG });
      const results = await Promise.all(
        others.map((other, index) => {
          const claims = messages.map((m) => claimOf(m));
          return other.deliveries.claim(index % 2 ? claims.reverse() : claims, `c-${index}`, LONG);
        }),
      );
      const outcomes = results.flat().map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'claimed')).toHaveLength(200);
      expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(200 * (others.length - 1));
    });
  });
}
