import { beforeEach, describe, expect, it } from '@jest/globals';
import { InvalidMessageError, type Message, newMessageId, toRole, toTopic } from 'agentmq/protocol';
import { type DeliveryState, type ReplayBatch, type ReplayOptions, type ReplaySelection } from 'agentmq/message-store';
import { InvalidSelectionError } from 'agentmq/database';
import { boom, busy, claimed, claimOf, type Harness, newMessage, newMessages, refOf, wipe, WORKER } from './harness.js';
import { until } from '../../support/index.js';
import { endedAtWorker, idsOf, lostAtBroker } from './histories.js';

const LONG = 60_000;
const AUDITOR = 'role.auditor';

/** replay and getUnprocessed. */
export function replaying(of: () => Harness): void {
  describe('replaying', () => {
    beforeEach(() => wipe(of().store));

    const lost = (messages: readonly Message[]) => lostAtBroker(of().store, messages);
    const ended = (messages: readonly Message[], state: 'completed' | 'dead') =>
      endedAtWorker(of().store, messages, state);
    const change = (sql: string) =>
      of().store.database.transaction((transaction) =>
        transaction.query(sql.replaceAll('$schema', `"${of().store.database.schema}"`)),
      );
    const due = () => of().store.outbox.leaseDue('relay', 10_000, LONG);
    const dueIds = async () => idsOf((await due()).map(({ message }) => message));
    const delivery = async (message: Message, consumer = WORKER) =>
      (await of().store.history.find(message.messageId))?.deliveries.find((each) => each.consumer === consumer);

    /** All batches of a replay, one after the other. */
    async function batches(selection: ReplaySelection, options: ReplayOptions): Promise<ReplayBatch[]> {
      const answers: ReplayBatch[] = [];
      let after: string | undefined;
      do {
        const batch: ReplayBatch = await of().store.replays.replay(selection, {
          ...options,
          ...(after ? { after } : {}),
        });
        answers.push(batch);
        after = batch.next;
      } while (after !== undefined);
      return answers;
    }

    it('takes back what the broker gave up: what is open and in time goes on its way again, later; the rest is left', async () => {
      const { store } = of();
      const [waits, late, held, done, onItsWay] = newMessages(5) as [Message, Message, Message, Message, Message];
      const stale = { ...late, expiresAt: new Date(Date.now() - 1_000) };
      await lost([waits, stale, held, done]);
      await store.outbox.append([onItsWay], { owner: 'a', leaseMs: LONG });
      await store.deliveries.claim([claimOf(held), claimOf(done)], 'a', LONG);
      await store.deliveries.complete([refOf(done)]);
      const asked = [waits, stale, held, done, onItsWay].map(({ messageId }) => ({ messageId, consumer: WORKER }));
      const answers = [...asked, { ...refOf(waits), consumer: AUDITOR }, { messageId: 'none', consumer: WORKER }];
      expect(await store.deliveries.takeBack(answers)).toEqual([...asked.map(() => 'delivery'), 'message', 'neither']);
      expect(await store.deliveries.takeBack(asked)).toHaveLength(5);
      expect(await due()).toEqual([]);
      expect(await delivery(stale)).toMatchObject({ state: 'expired', error: { code: 'MESSAGE_EXPIRED' } });
      expect(await delivery(waits)).toMatchObject({ state: 'pending' });
      await change(`UPDATE $schema.outbox SET due_at = statement_timestamp() WHERE lease = 0`);
      expect(await dueIds()).toEqual([waits.messageId]);
      expect(await delivery(held)).toMatchObject({ state: 'processing' });
      expect(await delivery(done)).toMatchObject({ state: 'completed' });
    });

    it('puts what is pending on its way again, to its consumer alone and as a copy, oldest first', async () => {
      const { store } = of();
      const messages = newMessages(3);
      await lost(messages);
      expect(await store.replays.replay({ consumer: WORKER })).toEqual({ matched: 3, replayed: 3 });
      const entries = await due();
      expect(idsOf(entries.map(({ message }) => message))).toEqual(idsOf(messages));
      expect(entries.map(({ consumer, lease }) => ({ consumer, lease }))).toEqual(
        messages.map(() => ({ consumer: WORKER, lease: 2 })),
      );
    });

    it('puts nothing on its way that is on it already', async () => {
      const { store } = of();
      await store.outbox.append(newMessages(2), { owner: 'o', leaseMs: LONG });
      expect(await store.replays.replay({})).toEqual({ matched: 2, replayed: 0 });
      await wipe(store);
      await lost(newMessages(2));
      expect(await store.replays.replay({})).toEqual({ matched: 2, replayed: 2 });
      expect(await store.replays.replay({})).toEqual({ matched: 2, replayed: 0 });
      expect((await store.history.counts()).outbox).toBe(2);
    });

    it('takes what was given back or left by the dead, and leaves what is held', async () => {
      const { store } = of();
      const [held, given, left] = newMessages(3) as [Message, Message, Message];
      await lost([held, given, left]);
      await store.deliveries.claim([claimOf(held), claimOf(given)], 'a', LONG);
      await store.deliveries.release([refOf(given)]);
      await store.deliveries.claim([claimOf(left)], 'b', 0);
      expect(await store.replays.replay({ consumer: WORKER })).toEqual({ matched: 2, replayed: 2 });
      expect(await dueIds()).toEqual(idsOf([given, left]));
      expect(await store.replays.replay({ states: ['processing'], messageIds: [held.messageId] })).toMatchObject({
        matched: 0,
      });
      expect(await store.deliveries.complete([refOf(held)])).toEqual([true]);
    });

    it('replays a retry whose copy was lost, and its claim does not wait', async () => {
      const { store } = of();
      const message = newMessage();
      await lost([message]);
      await store.deliveries.claim([claimOf(message)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(message), state: 'retrying', retryInMs: 0, error: boom }]);
      const [entry] = await due();
      await store.outbox.settle(entry ? [entry] : []);
      expect(await store.replays.replay({ consumer: WORKER })).toEqual({ matched: 1, replayed: 1 });
      expect(await store.deliveries.claim([claimOf(message)], 'b', LONG)).toEqual([claimed(2, 1)]);
    });

    it('leaves a retry to the entry that it has', async () => {
      const { store } = of();
      const message = newMessage();
      await lost([message]);
      await store.deliveries.claim([claimOf(message)], 'a', LONG);
      await store.deliveries.fail([{ ...refOf(message), state: 'retrying', retryInMs: LONG, error: boom }]);
      expect(await store.replays.replay({})).toEqual({ matched: 1, replayed: 0 });
      expect(await store.deliveries.claim([claimOf(message)], 'b', LONG)).toEqual([{ outcome: 'waiting' }]);
    });

    it('selects by id, trace, type, topic, consumer, time and state, all of which must hold', async () => {
      const { store } = of();
      const traceId = '0af7651916cd43dd8448eb211c80319c';
      await store.subscriptions.subscribe(WORKER, ['#'], false);
      const [plain, traced, typed, ticks, dead] = [
        newMessage(),
        newMessage({ trace: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } }),
        newMessage({ type: 'quote' }),
        newMessage({ recipient: toTopic('market_data.AAPL') }),
        newMessage(),
      ];
      const other = newMessage({ recipient: toRole('auditor'), type: 'quote' });
      await lost([plain, traced, typed, ticks, other]);
      await ended([dead], 'dead');
      await change(`UPDATE $schema.messages SET stored_at = '2020-01-01' WHERE message_id = '${plain.messageId}'`);
      const matched = async (selection: ReplaySelection) =>
        (await store.replays.replay(selection, { dryRun: true })).matched;
      const found = {
        all: await matched({}),
        id: await matched({ messageIds: [plain.messageId, typed.messageId, 'nowhere'] }),
        none: await matched({ messageIds: [] }),
        trace: await matched({ traceId }),
        type: await matched({ type: 'quote' }),
        topic: await matched({ topic: 'market_data.*' }),
        noTopic: await matched({ topic: 'market_data' }),
        everyTopic: await matched({ topic: '#' }),
        consumer: await matched({ consumer: AUDITOR }),
        nobody: await matched({ consumer: 'role.nobody' }),
        before: await matched({ before: new Date('2020-01-02') }),
        from: await matched({ from: new Date('2020-01-02') }),
        window: await matched({ from: new Date('2019-12-31'), before: new Date('2020-01-01') }),
        dead: await matched({ states: ['dead'] }),
        settled: await matched({ states: ['completed', 'dead'] }),
        both: await matched({ type: 'quote', consumer: WORKER }),
        neither: await matched({ type: 'quote', traceId }),
      };
      expect(found).toEqual({
        ...{ all: 5, id: 2, none: 0, trace: 1, type: 2, topic: 1, noTopic: 0, everyTopic: 1, consumer: 1, nobody: 0 },
        ...{ before: 1, from: 4, window: 0, dead: 1, settled: 1, both: 1, neither: 0 },
      });
      expect((await store.history.counts()).outbox).toBe(0);
    });

    it('passes over what something happened to a moment ago', async () => {
      const { store } = of();
      const messages = newMessages(3);
      const [, received] = messages as [Message, Message, Message];
      await lost(messages);
      expect(await store.replays.replay({ quietMs: LONG })).toEqual({ matched: 0, replayed: 0 });
      await change(`UPDATE $schema.messages SET stored_at = stored_at - interval '2 minutes'`);
      await store.deliveries.claim([claimOf(received)], 'a', 0);
      expect(await store.replays.replay({ quietMs: LONG })).toEqual({ matched: 2, replayed: 2 });
      for (const entry of await due()) await store.outbox.settle([entry]);
      expect(await store.replays.replay({ quietMs: LONG })).toEqual({ matched: 0, replayed: 0 });
      await change(`UPDATE $schema.deliveries SET due_at = due_at - interval '2 minutes'`);
      expect(await store.replays.replay({ quietMs: LONG })).toEqual({ matched: 2, replayed: 2 });
    });

    it('matches what is completed, and does not do it again', async () => {
      const { store } = of();
      const message = newMessage();
      await ended([message], 'completed');
      expect(await store.replays.replay({ states: ['completed'] })).toEqual({ matched: 1, replayed: 0 });
      expect(await delivery(message)).toMatchObject({ state: 'completed' });
      expect((await store.history.counts()).outbox).toBe(0);
    });

    it('begins dead ones anew: all attempts, the whole time to live; what was discarded only by its id', async () => {
      const { store } = of();
      const message = newMessage({ ttl: LONG, expiresAt: new Date(Date.now() + LONG) });
      await ended([message], 'dead');
      await store.replays.discard([refOf(message)], 'seen to');
      await change(`UPDATE $schema.messages SET expires_at = statement_timestamp() - interval '1 second'`);
      expect(await store.replays.replay({ states: ['dead'] })).toEqual({ matched: 0, replayed: 0 });
      const byName = { states: ['dead'], messageIds: [message.messageId] } as const;
      expect(await store.replays.replay(byName)).toEqual({ matched: 1, replayed: 1 });
      expect(await delivery(message)).toMatchObject({
        ...{ state: 'pending', attempt: 1, error: null, history: [], discarded: null, finishedAt: null },
      });
      expect(await store.retention.expire(100)).toBe(0);
      expect(await dueIds()).toEqual([message.messageId]);
      expect(await store.deliveries.claim([claimOf(message)], 'b', LONG)).toEqual([claimed(2)]);
      expect(await store.deliveries.complete([refOf(message, 2)])).toEqual([true]);
    });

    it('lets a requeued one expire in its turn', async () => {
      const { store } = of();
      const message = newMessage({ ttl: 1, expiresAt: new Date(Date.now() + LONG) });
      await ended([message], 'dead');
      await store.replays.replay({ states: ['dead'] });
      const requeued = (await store.database.now()).getTime();
      await until('the end of its time', async () => (await store.database.now()).getTime() > requeued + 1);
      const [again] = await store.deliveries.claim([claimOf(message)], 'b', LONG);
      expect(again).toEqual({ outcome: 'settled', state: 'expired', now: true });
    });

    it('gives a requeued one the time that a foreign sender gave it', async () => {
      const { store } = of();
      const sent = new Date(Date.now() - LONG);
      const message = newMessage({ timestamp: sent, expiresAt: new Date(sent.getTime() + LONG / 2) });
      await lost([message]);
      expect(await store.retention.expire(10)).toBe(1);
      expect(await store.replays.replay({ states: ['expired'] })).toEqual({ matched: 1, replayed: 1 });
      expect(await store.deliveries.claim([claimOf(message)], 'b', LONG)).toEqual([claimed(1)]);
    });

    it('fences off who held a dead one before', async () => {
      const { store } = of();
      const message = newMessage();
      await ended([message], 'dead');
      await store.replays.replay({ messageIds: [message.messageId], states: ['dead'] });
      expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
      await store.deliveries.claim([claimOf(message)], 'b', LONG);
      expect(await store.deliveries.complete([refOf(message)])).toEqual([false]);
    });

    it('counts only, in a dry run', async () => {
      const { store } = of();
      await lost(newMessages(2));
      await ended([newMessage()], 'dead');
      const before = await store.history.list({});
      expect(await store.replays.replay({ states: ['pending', 'dead'] }, { dryRun: true })).toEqual({
        matched: 3,
        replayed: 3,
        preview: {
          counts: [{ consumer: WORKER, type: 'test_message', count: 3 }],
          sample: before.map(({ message }) => message.messageId),
        },
      });
      expect(await store.replays.replay({}, { to: AUDITOR, dryRun: true })).toMatchObject({
        matched: 3,
        replayed: 3,
        preview: { counts: [{ consumer: AUDITOR, type: 'test_message', count: 3 }] },
      });
      expect(await store.history.list({})).toEqual(before);
    });

    it('is rated by limit and cursor: each once, oldest first', async () => {
      const messages = newMessages(2500);
      await lost(messages);
      expect((await batches({ consumer: WORKER }, { limit: 1000 })).map(({ replayed }) => replayed)).toEqual([
        1000, 1000, 500,
      ]);
      expect(await dueIds()).toEqual(idsOf(messages));
      expect((await batches({}, { limit: 2500 })).map(({ matched, replayed }) => [matched, replayed])).toEqual([
        [2500, 0],
        [0, 0],
      ]);
    });

    it.each<[string, ReplaySelection, ReplayOptions]>([
      ['of several consumers and states', { states: ['pending', 'processing', 'dead'] }, {}],
      ['in the order of time', { states: ['pending', 'processing', 'dead', 'completed'] }, {}],
      ['to another consumer', {}, { to: 'role.new' }],
    ])('goes through all by a cursor: %s', async (_name, selection, options) => {
      const { store } = of();
      const messages = newMessages(30);
      const others = newMessages(30, { recipient: toRole('auditor') });
      await lost([...messages, ...others]);
      const some = messages.filter((_message, index) => index % 2 === 0).map((message) => claimOf(message));
      await store.deliveries.claim(some, 'a', 0);
      const dead = messages.filter((_message, index) => index % 4 === 0).map((message) => refOf(message));
      await store.deliveries.fail(dead.map((ref) => ({ ...ref, state: 'dead', error: boom })));
      const answers = await batches(selection, { ...options, limit: 7 });
      expect(answers.map(({ replayed }) => replayed)).toEqual([7, 7, 7, 7, 7, 7, 7, 7, 4]);
      expect((await dueIds()).sort()).toEqual(idsOf([...messages, ...others]).sort());
    });

    it('opens one entry, however many replay at once', async () => {
      const { others } = of();
      const messages = newMessages(300);
      await lost(messages);
      const dead = newMessages(100);
      await ended(dead, 'dead');
      const selection: ReplaySelection = { states: ['pending', 'dead'] };
      const answers = await Promise.all(
        others.flatMap((other) => [other.replays.replay(selection), other.replays.replay(selection, { limit: 50 })]),
      );
      const again = await Promise.all(others.map((other) => batchesOf(other, selection)));
      const replayed = [...answers, ...again.flat()].reduce((sum, batch) => sum + batch.replayed, 0);
      expect(replayed).toBe(400);
      expect((await dueIds()).sort()).toEqual(idsOf([...messages, ...dead]).sort());
    });

    const batchesOf = async (store: Harness['store'], selection: ReplaySelection): Promise<ReplayBatch[]> => {
      const first = await store.replays.replay(selection, { limit: 200 });
      return first.next ? [first, await store.replays.replay(selection, { limit: 1000, after: first.next })] : [first];
    };

    it('goes on while the same messages are claimed and completed: none is completed twice or lost', async () => {
      const { store, others } = of();
      const messages = newMessages(200);
      await lost(messages);
      const claims = messages.map((message) => claimOf(message));
      const [results] = await Promise.all([
        store.deliveries.claim(claims, 'a', LONG).then(async (answers) => {
          await store.deliveries.complete(messages.map((message) => refOf(message)));
          return answers;
        }),
        ...others.map((other) => other.replays.replay({ consumer: WORKER })),
      ]);
      expect(results).toEqual(messages.map(() => claimed(1)));
      expect((await store.history.counts()).deliveries).toMatchObject({ completed: 200, pending: 0, processing: 0 });
    });

    describe('refuses', () => {
      const refused = (selection: ReplaySelection, options?: ReplayOptions) =>
        of().store.replays.replay(selection, options);
      const naming = (field: string) => expect.objectContaining({ code: 'INVALID_SELECTION', field });

      it.each([0, -1, 1.5, Number.NaN, 10_001, Number.POSITIVE_INFINITY])('a limit of %p', async (limit) => {
        await expect(refused({}, { limit })).rejects.toThrow(InvalidSelectionError);
        await expect(refused({}, { limit })).rejects.toEqual(naming('limit'));
      });

      it.each(['', 'x', 'W10', newMessageId(), Buffer.from('["2020-01-01","a","b"]').toString('base64url')])(
        'a cursor that it never gave: %p',
        async (after) => {
          await expect(refused({}, { after })).rejects.toEqual(naming('after'));
        },
      );

      it('a state that there is not, times that are none, consumers that are none', async () => {
        const odd = 'lost' as DeliveryState;
        await expect(refused({ states: ['dead', odd] })).rejects.toEqual(naming('states'));
        await expect(refused({ from: new Date('x') })).rejects.toEqual(naming('from'));
        await expect(refused({ before: new Date(Number.NaN) })).rejects.toEqual(naming('before'));
        await expect(refused({ quietMs: -1 })).rejects.toEqual(naming('quietMs'));
        await expect(refused({ quietMs: Number.NaN })).rejects.toEqual(naming('quietMs'));
        await expect(refused({ consumer: 'worker' })).rejects.toEqual(naming('consumer'));
        await expect(refused({}, { to: 'topic:a' })).rejects.toEqual(naming('to'));
        await expect(refused({ topic: 'a..b' })).rejects.toThrow(InvalidMessageError);
      });
    });

    it('tells what a consumer has not processed, oldest first', async () => {
      const { store } = of();
      const [pending, held, retrying, done, dead] = newMessages(5) as [Message, Message, Message, Message, Message];
      await lost([newMessage({ recipient: toRole('auditor') }), pending]);
      await ended([done], 'completed');
      await ended([dead], 'dead');
      await lost([held, retrying]);
      expect(await store.deliveries.claim([claimOf(held), claimOf(retrying)], 'a', LONG)).toEqual([
        claimed(1),
        claimed(1),
      ]);
      await store.deliveries.fail([{ ...refOf(retrying), state: 'retrying', retryInMs: LONG, error: boom }]);
      const unprocessed = await store.history.unprocessed(WORKER);
      expect(idsOf(unprocessed.map(({ message }) => message))).toEqual(idsOf([pending, held, retrying]));
      expect(unprocessed.map(({ deliveries }) => deliveries[0]?.state)).toEqual(['pending', 'processing', 'retrying']);
      const second = await store.history.unprocessed(WORKER, { limit: 1, after: pending.messageId });
      expect(idsOf(second.map(({ message }) => message))).toEqual([held.messageId]);
      expect(await store.history.unprocessed('role.nobody')).toEqual([]);
      expect(await store.deliveries.claim([claimOf(held)], 'b', LONG)).toEqual([busy]);
    });
  });
}
