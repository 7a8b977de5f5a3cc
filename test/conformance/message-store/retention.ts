import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Message, toRole, toTopic } from 'agentmq/protocol';
import { InvalidSelectionError } from 'agentmq/database';
import { until } from '../../support/index.js';
import { boom, claimOf, type Harness, newMessage, newMessages, refOf, wipe, WORKER } from './harness.js';

const LONG = 60_000;
const HOUR = 3_600_000;
const AGE = { settledMs: HOUR, deadMs: 2 * HOUR };

/** expire and forget. */
export function retention(of: () => Harness): void {
  describe('retention', () => {
    beforeEach(() => wipe(of().store));

    const append = (messages: readonly Message[]) => of().store.outbox.append(messages, { owner: 'o', leaseMs: LONG });
    const lost = async (messages: readonly Message[]) => of().store.outbox.settle(await append(messages));
    const claim = (messages: readonly Message[], leaseMs = LONG) =>
      of().store.deliveries.claim(
        messages.map((message) => claimOf(message)),
        'a',
        leaseMs,
      );
    const complete = async (messages: readonly Message[]) => {
      await claim(messages);
      await of().store.deliveries.complete(messages.map((message) => refOf(message)));
    };
    const fail = async (messages: readonly Message[], state: 'dead' | 'expired') => {
      await claim(messages);
      await of().store.deliveries.fail(messages.map((message) => ({ ...refOf(message), state, error: boom })));
    };
    const change = (sql: string) =>
      of().store.database.transaction((transaction) =>
        transaction.query(sql.replaceAll('$schema', `"${of().store.database.schema}"`)),
      );
    /** Everything happened so much earlier. */
    const age = (ms: number) =>
      change(
        `UPDATE $schema.messages SET stored_at = stored_at - interval '${ms} ms';
         UPDATE $schema.deliveries SET finished_at = finished_at - interval '${ms} ms'`,
      );
    const left = async () => (await of().store.history.list({ limit: 1000 })).map(({ message }) => message.messageId);
    const ids = (messages: readonly Message[]) => messages.map(({ messageId }) => messageId);

    describe('expire', () => {
      const late = () => ({ ttl: 1, expiresAt: new Date(Date.now() - 1000) });

      it('settles what is owed and out of time, with the reason', async () => {
        const { store } = of();
        const message = newMessage(late());
        await lost([message, newMessage(), newMessage({ ttl: LONG, expiresAt: new Date(Date.now() + LONG) })]);
        expect(await store.retention.expire(100)).toBe(1);
        expect((await store.history.find(message.messageId))?.deliveries).toMatchObject([
          { consumer: WORKER, state: 'expired', error: { code: 'MESSAGE_EXPIRED' }, finishedAt: expect.any(Date) },
        ]);
        expect(await store.retention.expire(100)).toBe(0);
        expect((await store.history.counts()).deliveries).toMatchObject({ pending: 2, expired: 1 });
      });

      it('takes what was given back and what waited for a retry; leaves what is held, on its way or settled', async () => {
        const { store } = of();
        const soon = { ttl: LONG, expiresAt: new Date(Date.now() + LONG) };
        const [given, retrying, held, underWay, done] = newMessages(5, soon) as [
          ...[Message, Message, Message, Message, Message],
        ];
        await lost([given, retrying, held, done]);
        await claim([given, held, retrying]);
        await store.deliveries.release([refOf(given)]);
        await store.deliveries.fail([{ ...refOf(retrying), state: 'retrying', retryInMs: 0, error: boom }]);
        await complete([done]);
        const retries = await store.outbox.leaseDue('r', 10, LONG);
        await append([underWay]);
        await change(`UPDATE $schema.messages SET expires_at = statement_timestamp() - interval '1 second'`);
        expect(await store.retention.expire(100)).toBe(1);
        await store.outbox.settle(retries);
        expect(await store.retention.expire(100)).toBe(1);
        const states = (await store.history.list({})).map(({ message, deliveries }) => [
          message.messageId,
          deliveries[0]?.state,
        ]);
        expect(Object.fromEntries(states)).toEqual({
          [given.messageId]: 'expired',
          [retrying.messageId]: 'expired',
          [held.messageId]: 'processing',
          [underWay.messageId]: 'pending',
          [done.messageId]: 'completed',
        });
      });

      it('takes what a claimant left that died, once its lease has run out', async () => {
        const { store } = of();
        const message = newMessage({ ttl: LONG, expiresAt: new Date(Date.now() + LONG) });
        await lost([message]);
        await claim([message]);
        await change(`UPDATE $schema.messages SET expires_at = statement_timestamp() - interval '1 second'`);
        expect(await store.retention.expire(100)).toBe(0);
        await store.deliveries.renew([refOf(message)], 0);
        expect(await store.retention.expire(100)).toBe(1);
        expect((await store.history.find(message.messageId))?.deliveries).toMatchObject([{ state: 'expired' }]);
        expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
      });

      it('settles each delivery of a message, and no more than the limit', async () => {
        const { store } = of();
        await store.subscriptions.subscribe(WORKER, ['a'], false);
        await store.subscriptions.subscribe('role.other', ['#'], false);
        await lost(newMessages(10, { ...late(), recipient: toTopic('a') }));
        expect([
          await store.retention.expire(15),
          await store.retention.expire(15),
          await store.retention.expire(15),
        ]).toEqual([15, 5, 0]);
      });

      it('settles each once, however many do it', async () => {
        const { store, others } = of();
        await lost(newMessages(200, late()));
        const done = await Promise.all(others.map((other) => other.retention.expire(100)));
        let more = await store.retention.expire(1000);
        for (const count of done) more += count;
        expect(more).toBe(200);
      });

      it('refuses a limit that is none', async () => {
        await expect(of().store.retention.expire(0)).rejects.toThrow(InvalidSelectionError);
        await expect(of().store.unhandled.rouse([], 1, 0)).rejects.toThrow(InvalidSelectionError);
      });
    });

    describe('forget', () => {
      it('deletes what is settled and old, with everything about it', async () => {
        const { store } = of();
        const [done, expired, discarded, dead] = newMessages(4) as [Message, Message, Message, Message];
        await lost([done, expired, discarded, dead]);
        await store.deliveries.record([newMessage()]);
        await complete([done]);
        await fail([expired], 'expired');
        await fail([dead, discarded], 'dead');
        await store.replays.discard([refOf(discarded)], 'seen to');
        expect(await store.retention.forget(AGE, 100)).toBe(0);
        await age(HOUR + 1000);
        expect(await store.retention.forget(AGE, 100)).toBe(4);
        expect(await left()).toEqual([dead.messageId]);
        await age(HOUR);
        expect(await store.retention.forget(AGE, 100)).toBe(1);
        const { messages, deliveries } = await store.history.counts();
        expect([messages, ...Object.values(deliveries)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
      });

      it('counts the age of what was sent long ago from its end', async () => {
        const { store } = of();
        await store.subscriptions.subscribe(WORKER, ['a'], false);
        await store.subscriptions.subscribe('role.other', ['a'], false);
        const [early, late] = newMessages(2, { recipient: toTopic('a') }) as [Message, Message];
        await lost([early, late]);
        await complete([early, late]);
        const other = (message: Message) => claimOf(message, { consumer: 'role.other' });
        await store.deliveries.claim([other(early)], 'a', LONG);
        await store.deliveries.complete([{ ...refOf(early), consumer: 'role.other' }]);
        await age(2 * HOUR);
        await store.deliveries.claim([other(late)], 'a', LONG);
        await store.deliveries.complete([{ ...refOf(late), consumer: 'role.other' }]);
        expect(await store.retention.forget(AGE, 100)).toBe(1);
        expect(await left()).toEqual([late.messageId]);
        await age(HOUR + 1000);
        expect(await store.retention.forget(AGE, 100)).toBe(1);
      });

      it('keeps what is open, at any of its consumers', async () => {
        const { store } = of();
        await store.subscriptions.subscribe(WORKER, ['a'], false);
        await store.subscriptions.subscribe('role.other', ['a'], false);
        const recipient = toTopic('a');
        const [half, unpublished, held, retrying, done] = [
          newMessage({ recipient }),
          newMessage({ recipient: toRole('nobody') }),
          ...newMessages(3),
        ] as [Message, Message, Message, Message, Message];
        await lost([half, held, retrying, done]);
        await append([unpublished]);
        await store.deliveries.claim([claimOf(unpublished, { consumer: 'role.nobody' })], 'a', LONG);
        await store.deliveries.complete([{ ...refOf(unpublished), consumer: 'role.nobody' }]);
        await complete([half, done]);
        await claim([held, retrying]);
        await store.deliveries.fail([{ ...refOf(retrying), state: 'retrying', retryInMs: LONG, error: boom }]);
        await age(3 * HOUR);
        expect(await store.retention.forget(AGE, 100)).toBe(1);
        expect((await left()).sort()).toEqual(ids([half, unpublished, held, retrying]).sort());
        await store.deliveries.claim([claimOf(half, { consumer: 'role.other' })], 'a', LONG);
        await store.deliveries.complete([{ ...refOf(half), consumer: 'role.other' }]);
        await age(HOUR + 1000);
        expect(await store.retention.forget(AGE, 100)).toBe(1);
      });

      it('deletes no more than the limit, oldest first, and says so until none is left', async () => {
        const { store } = of();
        const messages = newMessages(250);
        await lost(messages);
        await complete(messages);
        await age(2 * HOUR);
        expect(await store.retention.forget(AGE, 100)).toBe(100);
        expect(await left()).toEqual(ids(messages.slice(100)));
        expect([
          await store.retention.forget(AGE, 100),
          await store.retention.forget(AGE, 100),
          await store.retention.forget(AGE, 100),
        ]).toEqual([100, 50, 0]);
      });

      it('gets past old messages that must stay, and comes back to them', async () => {
        const { store } = of();
        const stuck = newMessages(2500);
        await lost(stuck);
        const done = newMessages(30);
        await lost(done);
        await complete(done);
        await age(3 * HOUR);
        expect([await store.retention.forget(AGE, 20), await store.retention.forget(AGE, 20)]).toEqual([20, 10]);
        expect(await left()).toEqual(ids(stuck.slice(0, 1000)));
        await complete(stuck.slice(0, 10));
        await age(HOUR + 1000);
        expect(await store.retention.forget(AGE, 20)).toBe(10);
      });

      it('deletes messages stored at the very same moment, each once', async () => {
        const { store } = of();
        const messages = newMessages(30);
        await lost(messages);
        await complete(messages);
        await change(`UPDATE $schema.messages SET stored_at = '2020-01-01'`);
        const counts = [];
        for (let n = 0; n < 5; n++) counts.push(await store.retention.forget({ settledMs: 0, deadMs: 0 }, 7));
        expect(counts).toEqual([7, 7, 7, 7, 2]);
      });

      it('never deletes what a replay makes owed at the same time', async () => {
        const { store, others } = of();
        const messages = newMessages(20);
        await lost(messages);
        await complete(messages);
        await age(2 * HOUR);
        const [one, two] = others.slice(-2) as [Harness['store'], Harness['store']];
        const late = 'role.late';
        let replay: Promise<unknown> | undefined;
        let forget: Promise<number> | undefined;
        await store.database.transaction(async (transaction) => {
          // The replay stops in its middle, at this delivery, until it is known whether it stays.
          await transaction.query(
            `INSERT INTO "${store.database.schema}".deliveries (message_id, consumer, state, attempt) VALUES ($1, $2, 'pending', 0)`,
            [messages[10]?.messageId, late],
          );
          const waiting = async (lock: string) =>
            (await transaction.query(`SELECT FROM pg_locks WHERE NOT granted AND ${lock}`)).length > 0;
          replay = one.replays.replay({}, { to: late });
          // The embedded database has one connection, which this transaction holds: there they just come afterwards.
          if (one !== store) {
            await until('the replay stopped', () => waiting('transactionid = pg_current_xact_id()::xid'));
          }
          forget = two.retention.forget(AGE, 50);
          if (one !== store) {
            await Promise.race([forget, until('forget waits', () => waiting(`locktype = 'advisory'`))]);
          }
        });
        expect(await replay).toEqual({ matched: 20, replayed: 19 });
        expect(await forget).toBe(0);
        expect((await store.history.counts()).messages).toBe(20);
        expect((await store.outbox.leaseDue('r', 1000, LONG)).length).toBe(19);
      });

      it('refuses limits and ages that are none', async () => {
        const { store } = of();
        await expect(store.retention.forget(AGE, 0)).rejects.toMatchObject({
          code: 'INVALID_SELECTION',
          field: 'limit',
        });
        await expect(store.retention.forget({ settledMs: -1, deadMs: 0 }, 1)).rejects.toMatchObject({
          field: 'settledMs',
        });
        await expect(store.retention.forget({ settledMs: 0, deadMs: Number.NaN }, 1)).rejects.toMatchObject({
          field: 'deadMs',
        });
      });
    });
  });
}
