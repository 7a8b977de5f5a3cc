import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Message, toAgent, toEveryone, topicMatches, toTopic } from 'agentmq/protocol';
import * as fc from 'fast-check';
import { type Harness, newMessage, pendingAt, wipe, WORKER } from './harness.js';

const HOUR_MS = 3_600_000;
const ours = { owner: 'sender-1', leaseMs: 60_000 };

/** Who is owed what: subscribe, unsubscribe, and the pending deliveries of append. */
export function owed(of: () => Harness): void {
  describe('owed', () => {
    beforeEach(() => wipe(of().store));

    const consumersOf = async ({ messageId }: Message): Promise<string[] | undefined> =>
      (await of().store.history.find(messageId))?.deliveries.map(({ consumer }) => consumer).sort();
    const append = async (...messages: Message[]): Promise<void> =>
      void (await of().store.outbox.append(messages, ours));
    const change = (sql: string): Promise<unknown> =>
      of().store.database.transaction((transaction) =>
        transaction.query(sql.replaceAll('{}', `"${of().store.database.schema}"`)),
      );
    const dayPasses = (): Promise<unknown> =>
      change(`UPDATE {}.subscriptions SET orphaned_at = orphaned_at - interval '25 hours'`);
    const since = async (consumer: string): Promise<Record<string, number>> => {
      const { store } = of();
      const rows = await store.database.transaction((transaction) =>
        transaction.query<{ pattern: string; since: Date }>(
          `SELECT pattern, since FROM "${store.database.schema}".subscriptions WHERE consumer = $1`,
          [consumer],
        ),
      );
      return Object.fromEntries(rows.map((row) => [row.pattern, row.since.getTime()]));
    };

    it('owes a message to its role or agent', async () => {
      const { store } = of();
      const [forRole, forAgent] = [newMessage(), newMessage({ recipient: toAgent('worker-1') })];
      await append(forRole, forAgent);
      expect((await store.history.find(forRole.messageId))?.deliveries).toEqual([pendingAt(forRole, WORKER)]);
      expect((await store.history.find(forAgent.messageId))?.deliveries).toEqual([
        pendingAt(forAgent, 'agent.worker-1'),
      ]);
    });

    it('owes what is published to a topic to all whose patterns match, once each, and a broadcast to all who hear it', async () => {
      const { store } = of();
      await store.subscriptions.subscribe('role.pricing', ['market.*', 'market.#', 'news'], false);
      await store.subscriptions.subscribe('agent.p-1', ['#'], true);
      await store.subscriptions.subscribe('role.press', ['news.#'], false);
      await store.subscriptions.subscribe('agent.p-2', [], true);
      const [tick, news, other, all] = [
        newMessage({ recipient: toTopic('market.AAPL') }),
        newMessage({ recipient: toTopic('news') }),
        newMessage({ recipient: toTopic('weather.today') }),
        newMessage({ recipient: toEveryone }),
      ];
      await append(tick, news, other, all);
      expect(await consumersOf(tick)).toEqual(['agent.p-1', 'role.pricing']);
      expect(await consumersOf(news)).toEqual(['agent.p-1', 'role.press', 'role.pricing']);
      expect(await consumersOf(other)).toEqual(['agent.p-1']);
      expect(await consumersOf(all)).toEqual(['agent.p-1', 'agent.p-2']);
      expect((await store.history.find(tick.messageId))?.deliveries[0]).toEqual(pendingAt(tick, 'agent.p-1'));
    });

    it('owes nothing that was stored before, and nothing anew when a message is appended again', async () => {
      const { store } = of();
      const message = newMessage({ recipient: toTopic('market.a') });
      await append(message);
      await store.subscriptions.subscribe(WORKER, ['market.a'], true);
      await append(message);
      expect(await consumersOf(message)).toEqual([]);
    });

    it('owes nothing of what was recorded, or rolled back', async () => {
      const { store } = of();
      const [recorded, undone] = [newMessage(), newMessage()];
      await store.deliveries.record([recorded]);
      const work = store.database.transaction(async (transaction) => {
        await store.outbox.append([undone], { ...ours, transaction });
        throw new Error('undone');
      });
      await expect(work).rejects.toThrow('undone');
      expect(await consumersOf(recorded)).toEqual([]);
      expect((await store.history.counts()).deliveries.pending).toBe(0);
    });

    it('keeps the time a pattern began; of a role, also what other instances declare', async () => {
      const { store } = of();
      expect(await store.subscriptions.subscribe(WORKER, ['a.*', 'b', 'b'], true)).toEqual({
        topics: ['a.*', 'b'],
        dropped: [],
        undeclared: [],
      });
      await store.subscriptions.subscribe('role.other', ['b'], false);
      const first = await since(WORKER);
      expect(Object.keys(first).sort()).toEqual(['', 'a.*', 'b']);
      expect(await store.subscriptions.subscribe(WORKER, ['a.*', 'c'], false)).toEqual({
        topics: ['a.*', 'b', 'c'],
        dropped: [],
        undeclared: [],
      });
      const second = await since(WORKER);
      expect(Object.keys(second).sort()).toEqual(['', 'a.*', 'b', 'c']);
      expect(second['a.*']).toBe(first['a.*']);
      expect(Object.keys(await since('role.other'))).toEqual(['b']);
    });

    it('ends, on record, what an agent starts without; it begins anew when that is declared again', async () => {
      const { store } = of();
      const agent = 'agent.worker-1';
      await store.subscriptions.subscribe(agent, ['a', 'b'], true);
      expect(await store.subscriptions.subscribe(agent, ['a'], true)).toEqual({
        topics: ['a'],
        dropped: ['b'],
        undeclared: [],
      });
      expect(await store.subscriptions.list(agent)).toMatchObject([
        { pattern: '', endedAt: null },
        { pattern: 'a', endedAt: null, reason: null },
        { pattern: 'b', endedAt: expect.any(Date), reason: 'the agent has started without it' },
      ]);
      expect(await store.subscriptions.subscribe(agent, ['a', 'b'], true)).toEqual({
        topics: ['a', 'b'],
        dropped: [],
        undeclared: [],
      });
      expect(await store.subscriptions.list('role.none')).toEqual([]);
    });

    it('a pattern of a role ends only when live instances have been there, and none has declared it, for the grace', async () => {
      const { store } = of();
      const hour = (count: number): Promise<unknown> =>
        change(`UPDATE {}.subscriptions SET undeclared_since = undeclared_since - ${count} * interval '1 hour'`);
      const end = () => store.subscriptions.endUndeclared(60_000, HOUR_MS);
      const patterns = async () => (await store.subscriptions.topics(WORKER)).topics;
      const handles = [{ type: 't', version: 1, topic: 'b', scope: 'role' as const }];
      const agent = { role: 'worker', capabilities: [], instance: 'i', version: '1', concurrency: 1 };
      await store.subscriptions.subscribe(WORKER, ['a', 'b'], false);
      await store.subscriptions.subscribe('role.other', ['a'], false);
      // no instance at all
      expect(await end()).toEqual([]);
      await hour(2);
      expect(await end()).toEqual([]);
      await store.agents.register({ ...agent, id: 'old' });
      await store.agents.register({ ...agent, id: 'new', handles });
      expect(await end()).toEqual([]);
      await hour(0.9);
      expect(await end()).toEqual([]);
      // declared meanwhile: the grace begins anew
      await store.subscriptions.subscribe(WORKER, ['a'], false);
      await end();
      await hour(0.9);
      expect(await end()).toEqual([]);
      await hour(0.2);
      expect(await end()).toEqual([{ consumer: WORKER, pattern: 'a' }]);
      expect(await patterns()).toEqual(['b']);
      expect(await store.subscriptions.topics(WORKER)).toEqual({ topics: ['b'], dropped: ['a'], undeclared: ['a'] });
      expect((await store.subscriptions.topics('role.other')).topics).toEqual(['a']);
      // one of the version before does not tell what it declares
      await store.agents.deregister({ id: 'new', instance: 'i' });
      await change(`UPDATE {}.agents SET handles_of = NULL WHERE id = 'old'`);
      await end();
      await hour(2);
      expect(await end()).toEqual([]);
      expect(await patterns()).toEqual(['b']);
    });

    it('a pattern is declared for one role of an agent of several, and not for the others', async () => {
      const { store } = of();
      const end = () => store.subscriptions.endUndeclared(60_000, HOUR_MS);
      for (const consumer of [WORKER, 'role.clerk'] as const)
        await store.subscriptions.subscribe(consumer, ['b'], false);
      await store.agents.register({
        ...{ id: 'both', role: 'worker', roles: ['worker', 'clerk'], capabilities: [], instance: 'i', version: '1' },
        ...{ concurrency: 1, handles: [{ type: 't', version: 1, topic: 'b', scope: 'role', role: 'clerk' }] },
      });
      await end();
      await change(`UPDATE {}.subscriptions SET undeclared_since = undeclared_since - 2 * interval '1 hour'`);
      expect(await end()).toEqual([{ consumer: WORKER, pattern: 'b' }]);
    });

    it('an operator ends a pattern at once; what waits for a handler because of it alone is dead', async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['a.*', 'a.b', 'c'], false);
      const [only, both, other] = [
        newMessage({ recipient: toTopic('a.x') }),
        newMessage({ recipient: toTopic('a.b') }),
        newMessage({ recipient: toTopic('c') }),
      ];
      await append(only, both, other);
      const error = { name: 'UnknownTypeError', code: 'UNKNOWN_TYPE', message: 'no handler', retryable: false };
      const waits = [only, both, other].map(({ messageId, recipient: { name } }) => ({
        ...{ messageId, consumer: WORKER, topic: name, error, forwarded: false },
      }));
      await store.unhandled.decide(waits, { agentId: 'x', liveMs: 60_000, graceMs: HOUR_MS });
      expect(await store.subscriptions.end(WORKER, 'a.*', 'by an operator')).toBe(true);
      expect(await store.subscriptions.end(WORKER, 'a.*', 'by an operator')).toBe(false);
      expect(await store.subscriptions.end(WORKER, '', 'by an operator')).toBe(false);
      const states = await Promise.all(
        [only, both, other].map(async ({ messageId }) => await store.history.find(messageId)),
      );
      expect(states.map((found) => found?.deliveries[0]?.state)).toEqual(['dead', 'retrying', 'retrying']);
      expect(states[0]?.deliveries[0]).toMatchObject({ error, finishedAt: expect.any(Date) });
      const [late] = [newMessage({ recipient: toTopic('a.x') })];
      await append(late);
      expect(await consumersOf(late)).toEqual([]);
    });

    it('lets the processes of a consumer subscribe at once, also when they differ', async () => {
      const { store, others } = of();
      const sets = [
        ['a', 'b', 'c'],
        ['c', 'd', 'a'],
        ['d', 'b'],
      ];
      await Promise.all(
        others.map((other, index) => other.subscriptions.subscribe(WORKER, sets[index % 3] ?? [], index % 2 === 0)),
      );
      const declared = new Set(others.flatMap((_, index) => sets[index % 3] ?? []));
      expect((await store.subscriptions.topics(WORKER)).topics).toEqual([...declared].sort());
      await store.subscriptions.unsubscribe(WORKER);
      expect(await since(WORKER)).toEqual({});
    });

    it('owes nothing more to who unsubscribed, nor to agents a day after they are forgotten', async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['#'], true);
      await store.subscriptions.unsubscribe(WORKER);
      const agent = { role: 'worker', capabilities: [], instance: 'i', version: '1', concurrency: 1 };
      for (const id of ['gone', 'here']) {
        await store.agents.register({ ...agent, id });
        await store.subscriptions.subscribe(`agent.${id}`, ['#'], true);
      }
      await store.database.transaction((transaction) =>
        transaction.query(
          `UPDATE "${store.database.schema}".agents SET stopped = true, heartbeat_at = now() - interval '2 hours' WHERE id = 'gone'`,
        ),
      );
      await store.agents.forget(HOUR_MS);
      expect((await store.agents.read()).agents.map(({ id }) => id)).toEqual(['here']);
      await dayPasses();
      const [early, published, all] = [
        newMessage({ recipient: toTopic('a') }),
        newMessage({ recipient: toTopic('a') }),
        newMessage({ recipient: toEveryone }),
      ];
      await append(early);
      expect(await consumersOf(early)).toEqual(['agent.gone', 'agent.here']);
      await store.agents.forget(HOUR_MS);
      await append(published, all);
      expect(await consumersOf(published)).toEqual(['agent.here']);
      expect(await consumersOf(all)).toEqual(['agent.here']);
    });

    it('goes on to owe to an agent that subscribed, was forgotten, and registered', async () => {
      const { store } = of();
      const agent = { id: 'stable', role: 'worker', capabilities: [], instance: 'i', version: '1', concurrency: 1 };
      const stop = async (): Promise<void> => {
        await store.agents.deregister(agent);
        await change(`UPDATE {}.agents SET heartbeat_at = now() - interval '2 hours' WHERE id = 'stable'`);
      };
      const isOwed = async (): Promise<boolean> => {
        const message = newMessage({ recipient: toTopic('a') });
        await append(message);
        return (await consumersOf(message))?.length === 1;
      };
      const other = { ...agent, id: 'other' };
      await store.agents.register(agent);
      await stop();
      await store.agents.register(other);
      await store.subscriptions.subscribe('agent.stable', ['#'], true);
      await store.agents.forget(HOUR_MS);
      await store.agents.register(agent);
      expect(await isOwed()).toBe(true);
      await dayPasses();
      await store.agents.forget(HOUR_MS);
      expect(await isOwed()).toBe(true);
      await stop();
      await store.agents.forget(HOUR_MS);
      await store.agents.forget(HOUR_MS);
      expect(await isOwed()).toBe(true);
      await dayPasses();
      await store.subscriptions.subscribe('agent.stable', ['#'], true);
      await store.agents.forget(HOUR_MS);
      expect(await isOwed()).toBe(true);
    });

    it('matches as the broker does (property)', async () => {
      const { store } = of();
      const word = fc.constantFrom('a', 'b', 'A', 'é', 'a+', '(', '\\d', '[^.]', '$', 'a|b', '{2}', '👍');
      const wild = fc.oneof({ weight: 2, arbitrary: word }, fc.constantFrom('*', '#'));
      const patterns = fc.array(wild, { minLength: 1, maxLength: 4 }).map((words) => words.join('.'));
      const topics = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join('.'));
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(patterns, { minLength: 1, maxLength: 8 }),
          fc.array(topics, { minLength: 1, maxLength: 10 }),
          async (subscribed, published) => {
            await wipe(store);
            for (const pattern of subscribed) await store.subscriptions.subscribe(`role.${pattern}`, [pattern], false);
            const messages = published.map((name) => newMessage({ recipient: { kind: 'topic', name } }));
            await append(...messages);
            for (const message of messages) {
              const matching = subscribed.filter((pattern) => topicMatches(pattern, message.recipient.name));
              expect(await consumersOf(message)).toEqual(matching.map((pattern) => `role.${pattern}`).sort());
            }
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}
