import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Message, toAgent, toTopic } from 'agentmq/protocol';
import type { OutboxLease } from 'agentmq/message-store';
import { until } from '../../support/index.js';
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
const ours = { owner: 'sender-1', leaseMs: LONG };
const due = { owner: 'sender-1', leaseMs: 0 };
const nobodys = { id: '0', lease: 0 };

/** Delayed sends, the size of the outbox, takeOver, and what leaseDue passes over or closes. */
export function outbox(of: () => Harness): void {
  describe('outbox', () => {
    beforeEach(() => wipe(of().store));

    const change = (sql: string): Promise<unknown> =>
      of().store.database.transaction((transaction) =>
        transaction.query(sql.replaceAll('{}', `"${of().store.database.schema}"`)),
      );
    const leasedIds = async (skip?: readonly string[]): Promise<string[]> =>
      (await of().store.outbox.leaseDue('relay', 100, LONG, skip)).map(({ message }) => message.messageId);
    const statesOf = async ({ messageId }: Message): Promise<string[] | undefined> =>
      (await of().store.history.find(messageId))?.deliveries
        .map(({ consumer, state }) => `${consumer} ${state}`)
        .sort();

    it('tells the time of the database', async () => {
      const { store } = of();
      const first = await store.database.now();
      const [row] = await store.database.transaction((transaction) =>
        transaction.query<{ at: Date }>('SELECT now() AS at'),
      );
      const second = await store.database.now();
      expect(row?.at.getTime()).toBeGreaterThanOrEqual(first.getTime());
      expect(row?.at.getTime()).toBeLessThanOrEqual(second.getTime());
    });

    it('gives a message that is to be delivered later to nobody, once its time has come to a relay, as the first copy', async () => {
      const { store } = of();
      const soon = newMessage({ deliverAt: new Date((await store.database.now()).getTime() + 300) });
      const late = newMessage({ deliverAt: new Date((await store.database.now()).getTime() + 3_600_000) });
      const leases = await store.outbox.append([soon, late], due);
      expect(leases).toEqual([nobodys, nobodys]);
      expect(await store.outbox.append([soon], due)).toEqual([nobodys]);
      await store.outbox.settle(leases);
      await store.outbox.postpone(leases, 0, 'x');
      expect(await store.history.counts()).toMatchObject({ outbox: 2, deliveries: { pending: 2 } });
      const entries = await until('it is due', async () => {
        const leased = await store.outbox.leaseDue('relay', 10, LONG);
        return leased.length > 0 ? leased : undefined;
      });
      expect((await store.database.now()).getTime()).toBeGreaterThanOrEqual(soon.deliverAt?.getTime() ?? 0);
      expect(entries).toEqual([{ id: expect.any(String), lease: 1, message: soon }]);
      await store.outbox.settle(entries);
      expect((await store.history.counts()).outbox).toBe(1);
    });

    it('lets the sender publish at once what is to be delivered at a time that has passed', async () => {
      const { store } = of();
      const message = newMessage({ deliverAt: new Date(0) });
      expect(await store.outbox.append([message], ours)).toMatchObject([{ lease: 1 }]);
      expect(await leasedIds()).toEqual([]);
    });

    it('gives what is appended without a lease to any relay at once, as the first copy', async () => {
      const { store } = of();
      const message = newMessage();
      expect(await store.outbox.append([message], { owner: 'sender-1' })).toEqual([nobodys]);
      expect(await store.outbox.leaseDue('relay', 10, LONG)).toMatchObject([{ lease: 1, message }]);
    });

    it('counts open entries up to a limit', async () => {
      const { store } = of();
      expect(await store.outbox.size(10)).toBe(0);
      const leases = await store.outbox.append(newMessages(7), ours);
      expect(await Promise.all([100, 7, 6, 1].map((atMost) => store.outbox.size(atMost)))).toEqual([7, 7, 6, 1]);
      await store.outbox.settle(leases.slice(0, 3));
      expect(await store.outbox.size(6)).toBe(4);
    });

    it('does not count what is scheduled, until it is due or was leased', async () => {
      const { store } = of();
      const deliverAt = new Date((await store.database.now()).getTime() + 3_600_000);
      const retried = newMessage();
      await store.deliveries.record([retried]);
      await store.deliveries.claim([claimOf(retried)], 'a', LONG);
      await store.outbox.append(newMessages(3, { deliverAt }), ours);
      await store.deliveries.fail([{ ...refOf(retried), state: 'retrying', retryInMs: LONG, error: boom }]);
      expect(await store.history.counts()).toMatchObject({ outbox: 4 });
      expect(await store.outbox.size(10)).toBe(0);
      await store.replays.replay({ states: ['completed', 'retrying', 'pending'] }, { to: 'role.other' });
      expect(await store.history.counts()).toMatchObject({ outbox: 8 });
      expect(await store.outbox.size(10)).toBe(1);
      await change(`UPDATE {}.outbox SET due_at = now() WHERE consumer IS NULL OR consumer = '${WORKER}'`);
      expect(await store.outbox.size(10)).toBe(5);
      const entries = await store.outbox.leaseDue('relay', 10, LONG);
      expect(entries).toHaveLength(5);
      expect(await store.outbox.size(10)).toBe(5);
      await store.outbox.postpone(entries, 3_600_000, 'later');
      expect(await store.outbox.size(10)).toBe(5);
    });

    it('counts what a target refused apart, and all that waits for it, until that target takes it', async () => {
      const { store } = of();
      const dead = { recipient: toAgent('dead') };
      await store.outbox.append([...newMessages(2), ...newMessages(3, dead)], ours);
      await store.outbox.append(newMessages(2, dead), { owner: 'other' });
      const entries = await store.outbox.leaseDue('relay', 10, LONG);
      expect(await store.outbox.refusals()).toEqual([]);
      await store.outbox.postpone(entries.slice(0, 1), 0, 'the queue is full', true);
      expect(await store.outbox.refusals()).toEqual([{ target: 'agent.dead', entries: 5, since: expect.any(Date) }]);
      expect(await store.outbox.size(10)).toBe(2);
      const [{ since } = { since: undefined }] = await store.outbox.refusals();
      const again = await store.outbox.leaseDue('relay', 10, LONG);
      await store.outbox.postpone(again, 0, 'the queue is full', true);
      expect(await store.outbox.refusals()).toEqual([{ target: 'agent.dead', entries: 5, since }]);
      await store.outbox.settle(await store.outbox.leaseDue('relay', 10, LONG));
      expect(await store.outbox.refusals()).toEqual([]);
      expect(await store.outbox.size(10)).toBe(6);
    });

    it('names the senders whose messages do not go out, but not for retries, schedules and what is being published', async () => {
      const { store } = of();
      const far = new Date((await store.database.now()).getTime() + 3_600_000);
      const retried = newMessage({ sender: 'of-a-retry' });
      await store.deliveries.record([retried]);
      await store.deliveries.claim([claimOf(retried)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(retried), state: 'retrying', retryInMs: 0, error: boom }]);
      await store.outbox.append([newMessage({ sender: 'of-a-schedule', deliverAt: far })], ours);
      await store.outbox.append([newMessage({ sender: 'publishes' })], ours);
      await store.outbox.append(newMessages(2, { sender: 'left-alone' }), { owner: 'other' });
      await store.outbox.append([newMessage({ sender: 'refused' })], due);
      expect(await store.outbox.stuckSenders(LONG)).toEqual([]);
      const since = expect.any(Date);
      const stuck = [
        { sender: 'left-alone', entries: 2, since },
        { sender: 'refused', entries: 1, since },
      ];
      expect(await store.outbox.stuckSenders(0)).toEqual(stuck);
      const entries = await store.outbox.leaseDue('relay', 10, LONG);
      await store.outbox.postpone(entries, 0, 'the queue is full', true);
      await store.outbox.leaseDue('relay', 10, LONG);
      expect(await store.outbox.stuckSenders(0)).toEqual(stuck);
    });

    it('splits a message that not all took: a consumer that has not claimed it gets it alone, up to the limit', async () => {
      const { store } = of();
      for (const consumer of [WORKER, 'agent.slow', 'agent.dead'])
        await store.subscriptions.subscribe(consumer, ['news'], false);
      const news = newMessages(3, { recipient: toTopic('news') });
      const [first, second, third] = (await store.outbox.append(news, ours)) as [OutboxLease, OutboxLease, OutboxLease];
      await store.deliveries.claim(
        news.map((message) => claimOf(message)),
        'a',
        LONG,
      );
      await store.outbox.split([first], 0, 1);
      await store.outbox.split([{ ...second, lease: 9 }], 0, 1);
      const entries = await store.outbox.leaseDue('relay', 10, LONG);
      const messageId = news[0]?.messageId;
      expect(entries.map(({ consumer = '' }) => consumer).sort()).toEqual(['agent.dead', 'agent.slow']);
      for (const { message } of entries) expect(message).toMatchObject({ messageId, attempt: 2 });
      await store.outbox.postpone(entries, LONG, 'full', true);
      await store.outbox.split([second, third], LONG, 2);
      await store.outbox.split([third], LONG, 2);
      expect((await store.outbox.refusals()).map(({ entries: waiting }) => waiting)).toEqual([3, 3]);
      await store.outbox.append([newMessage({ messageId: 'later', recipient: toTopic('news') })], ours);
      const [lease] = await store.outbox.append([newMessage({ messageId: 'later', recipient: toTopic('news') })], ours);
      await store.outbox.split(lease ? [lease] : [], LONG, 2);
      expect((await store.outbox.refusals()).map(({ entries: waiting }) => waiting)).toEqual([3, 3]);
      expect((await store.history.find('later'))?.deliveries.map(({ state }) => state)).toEqual([
        'pending',
        'pending',
        'pending',
      ]);
    });

    it('closes what has run out of time though a claimant that died had it', async () => {
      const { store } = of();
      const message = newMessage();
      await store.outbox.append([message], due);
      await store.deliveries.claim([claimOf(message)], 'dead', 0);
      await change(`UPDATE {}.messages SET expires_at = now() - interval '1 second'`);
      expect(await store.outbox.leaseDue('relay', 10, LONG)).toEqual([]);
      expect(await statesOf(message)).toEqual([`${WORKER} expired`]);
    });

    it('frees at once what an earlier process of the same owner left, and nothing else', async () => {
      const { store } = of();
      const [sent, leased, theirs] = newMessages(3) as [Message, Message, Message];
      const [stale] = await store.outbox.append([sent], { owner: 'a-1', leaseMs: LONG });
      await store.outbox.append([leased], { owner: 'a-2', leaseMs: 0 });
      await store.outbox.leaseDue('a-1', 1, LONG);
      await store.outbox.append([theirs], { owner: 'a-2', leaseMs: LONG });
      const [held, other] = newMessages(2) as [Message, Message];
      await store.deliveries.record([held, other]);
      await store.deliveries.claim([claimOf(held)], 'a-1', LONG);
      await store.deliveries.claim([claimOf(other)], 'a-2', LONG);

      await store.outbox.takeOver('a-1');
      const entries = await store.outbox.leaseDue('a-1', 10, LONG);
      expect(new Map(entries.map(({ message, lease }) => [message.messageId, lease]))).toEqual(
        new Map([
          [sent.messageId, 2],
          [leased.messageId, 3],
        ]),
      );
      await store.outbox.settle(stale ? [stale] : []);
      expect((await store.history.counts()).outbox).toBe(3);
      // The claimant died: that counts.
      const claims = [claimOf(held, { alone: true }), claimOf(other, { alone: true })];
      expect(await store.deliveries.claim(claims, 'a-1', LONG)).toEqual([claimed(2, 1), busy]);
      expect(await store.deliveries.complete([refOf(held), refOf(other)])).toEqual([false, true]);
      await store.outbox.takeOver('nobody');
    });

    it('leaves entries whose target is to be skipped', async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['full', 'free'], false);
      const [direct, agent, full, free] = [
        newMessage(),
        newMessage({ recipient: toAgent('w-1') }),
        newMessage({ recipient: toTopic('full') }),
        newMessage({ recipient: toTopic('free') }),
      ];
      await store.outbox.append([direct, agent, full, free], due);
      await store.deliveries.claim([claimOf(free)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(free), state: 'retrying', retryInMs: 0, error: boom }]);
      const entries = await store.outbox.leaseDue('relay', 10, LONG, [WORKER, 'topic:full']);
      expect(entries.map(({ message, consumer }) => [message.messageId, consumer])).toEqual([
        [agent.messageId, undefined],
        [free.messageId, undefined],
      ]);
      const skipped = await store.outbox.leaseDue('relay', 10, LONG);
      expect(skipped.map(({ message, consumer }) => [message.messageId, consumer])).toEqual([
        [direct.messageId, undefined],
        [full.messageId, undefined],
        [free.messageId, WORKER],
      ]);
    });

    it('closes entries whose message is gone, and copies for consumers that have settled them', async () => {
      const { store } = of();
      const [gone, done, live] = newMessages(3) as [Message, Message, Message];
      await store.outbox.append([gone, done, live], due);
      await store.deliveries.claim([claimOf(done)], 'a', LONG);
      const leases = await store.outbox.leaseDue('relay', 10, LONG);
      await store.outbox.settle(leases.filter(({ message }) => message.messageId === done.messageId));
      await store.deliveries.fail([{ ...refOf(done), state: 'retrying', retryInMs: 0, error: boom }]);
      await store.deliveries.claim([claimOf(done)], 'a', LONG);
      await store.deliveries.complete([refOf(done, 2)]);
      await change(`DELETE FROM {}.messages WHERE message_id = '${gone.messageId}'`);
      await store.outbox.postpone(
        leases.filter(({ message }) => message.messageId !== done.messageId),
        0,
        'x',
      );
      expect(await leasedIds()).toEqual([live.messageId]);
      expect((await store.history.counts()).outbox).toBe(1);
    });

    it('settles an expired first publication at all who are owed it, not at who has it already', async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['#'], false);
      await store.subscriptions.subscribe('role.b', ['#'], false);
      await store.subscriptions.subscribe('role.c', ['#'], false);
      const message = newMessage({ recipient: toTopic('t') });
      await store.outbox.append([message], due);
      const claims = [claimOf(message), claimOf(message, { consumer: 'role.b' })];
      await store.deliveries.claim(claims, 'a', LONG);
      await store.deliveries.complete([refOf(message)]);
      await change(`UPDATE {}.messages SET expires_at = now() - interval '1 second'`);
      expect(await leasedIds()).toEqual([]);
      expect(await statesOf(message)).toEqual(['role.b processing', 'role.c expired', `${WORKER} completed`]);
      const found = (await store.history.find(message.messageId))?.deliveries.find(
        ({ consumer }) => consumer === 'role.c',
      );
      expect(found).toMatchObject({ error: { code: 'MESSAGE_EXPIRED' }, finishedAt: expect.any(Date) });
      expect((await store.history.counts()).outbox).toBe(0);
    });

    it('settles an expired retry at its consumer, once, whatever else is in the outbox', async () => {
      const { store } = of();
      const message = newMessage();
      await store.outbox.append([message], due);
      await store.deliveries.claim([claimOf(message)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(message), state: 'retrying', retryInMs: 0, error: boom }]);
      await change(`UPDATE {}.messages SET expires_at = now() - interval '1 second'`);
      expect(await leasedIds()).toEqual([]);
      expect(await statesOf(message)).toEqual([`${WORKER} expired`]);
      expect(await store.history.counts()).toMatchObject({ outbox: 0 });
      expect(await store.deliveries.claim([claimOf(message)], 'a', LONG)).toEqual([settled('expired')]);
    });

    it("goes by the delivery's own time to live where it has one", async () => {
      const { store } = of();
      const [longer, shorter] = newMessages(2, { expiresAt: new Date(0) }) as [Message, Message];
      await store.deliveries.record([longer, shorter]);
      await change(`
        INSERT INTO {}.deliveries (message_id, consumer, state, attempt, expires_at) VALUES
          ('${longer.messageId}', '${WORKER}', 'pending', 0, now() + interval '1 hour'),
          ('${shorter.messageId}', '${WORKER}', 'pending', 0, now() - interval '1 hour');
        UPDATE {}.messages SET expires_at = now() + interval '1 hour' WHERE message_id = '${shorter.messageId}';
        INSERT INTO {}.outbox (message_id, target, consumer, due_at, lease)
        SELECT message_id, consumer, consumer, now(), 1 FROM {}.deliveries`);
      const entries = await store.outbox.leaseDue('relay', 10, LONG);
      expect(entries).toMatchObject([{ lease: 2, consumer: WORKER, message: { messageId: longer.messageId } }]);
      expect(await statesOf(shorter)).toEqual([`${WORKER} expired`]);
      expect(await store.deliveries.claim([claimOf(longer)], 'a', LONG)).toEqual([claimed(1)]);
    });

    it('lets relays, retries, claims and take-overs pass each other without deadlock', async () => {
      const { store, others } = of();
      const messages = newMessages(100);
      await store.outbox.append(messages, due);
      await store.deliveries.claim(
        messages.map((m) => claimOf(m)),
        'first',
        LONG,
      );
      const expiring = `UPDATE {}.messages SET expires_at = now() - interval '1 second' WHERE right(message_id, 1) < '8'`;
      await change(expiring);
      await Promise.all(
        others.map(async (other, index) => {
          const mine = index % 2 ? [...messages].reverse() : messages;
          const refs = mine.map((m) => refOf(m));
          if (index % 4 === 0) {
            await other.deliveries.fail(refs.map((ref) => ({ ...ref, state: 'retrying', retryInMs: 0, error: boom })));
          } else if (index % 4 === 1) await other.outbox.takeOver('first');
          else if (index % 4 === 2) await other.outbox.leaseDue(`relay-${index}`, 1000, 0);
          else {
            await other.deliveries.claim(
              mine.map((m) => claimOf(m, { redelivered: true, alone: true, attempts: 100 })),
              `c-${index}`,
              LONG,
            );
          }
        }),
      );
      const { deliveries } = await store.history.counts();
      expect(deliveries.expired + deliveries.retrying + deliveries.processing).toBe(100);
    });
  });
}
