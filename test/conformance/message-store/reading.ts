import { beforeEach, describe, expect, it } from '@jest/globals';
import { toRole } from 'agentmq/protocol';
import { boom, claimOf, type Harness, newMessage, newMessages, refOf, wipe, WORKER } from './harness.js';

/** find, list, trace, counts. */
export function reading(of: () => Harness): void {
  describe('reading', () => {
    beforeEach(() => wipe(of().store));

    it('finds nothing where nothing is', async () => {
      expect(await of().store.history.find('nowhere')).toBeUndefined();
      expect(await of().store.history.list({})).toEqual([]);
    });

    it('lists by correlation, trace, type, consumer and state', async () => {
      const { store } = of();
      const traceId = '0af7651916cd43dd8448eb211c80319c';
      const [flow, traced, typed, dead] = [
        newMessage({ correlationId: 'c-1' }),
        newMessage({ trace: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } }),
        newMessage({ type: 'quote' }),
        newMessage(),
      ];
      await store.deliveries.record([flow, traced, typed, dead, ...newMessages(3)]);
      await store.deliveries.claim(
        [claimOf(dead), claimOf(flow), claimOf(typed, { consumer: 'agent.a' })],
        'a',
        60_000,
      );
      await store.deliveries.fail([{ ...refOf(dead), state: 'dead', error: boom }]);
      const ids = async (filter: Parameters<typeof store.history.list>[0]) =>
        (await store.history.list(filter)).map(({ message }) => message.messageId);
      expect(await ids({ correlationId: 'c-1' })).toEqual([flow.messageId]);
      expect(await ids({ traceId })).toEqual([traced.messageId]);
      expect(await ids({ type: 'quote' })).toEqual([typed.messageId]);
      expect(await ids({ consumer: WORKER })).toEqual([flow.messageId, dead.messageId]);
      expect(await ids({ state: 'processing' })).toEqual([flow.messageId, typed.messageId]);
      expect(await ids({ consumer: WORKER, state: 'dead' })).toEqual([dead.messageId]);
      expect(await ids({ consumer: WORKER, state: 'dead', type: 'quote' })).toEqual([]);
      expect(await store.history.list({ state: 'dead' })).toMatchObject([
        { deliveries: [{ state: 'dead', error: boom }] },
      ]);
    });

    it('pages oldest first', async () => {
      const { store } = of();
      const messages = newMessages(150);
      await store.deliveries.record([...messages].reverse());
      const all = messages.map(({ messageId }) => messageId);
      const ids = async (filter: Parameters<typeof store.history.list>[0]) =>
        (await store.history.list(filter)).map(({ message }) => message.messageId);
      expect(await ids({})).toEqual(all.slice(0, 100));
      expect(await ids({ limit: 1000 })).toEqual(all);
      expect(await ids({ limit: 0 })).toEqual([]);
      expect(await ids({ limit: 20, after: all[99] ?? '' })).toEqual(all.slice(100, 120));
      expect(await ids({ after: all[149] ?? '' })).toEqual([]);
    });

    it('sums up a trace: agents in the order of appearance, messages, completions', async () => {
      const { store } = of();
      const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
      const task = newMessage({ sender: 'cli', trace });
      const work = newMessage({ sender: 'coordinator', trace });
      const alone = newMessage({ sender: 'cli' });
      await store.deliveries.record([task, alone]);
      await store.deliveries.claim([claimOf(task), claimOf(alone)], 'coordinator', 60_000);
      await store.deliveries.record([work]);
      await store.deliveries.claim([claimOf(work)], 'worker-1', 60_000);
      await store.deliveries.complete([refOf(work)]);
      expect(await store.history.trace(task)).toEqual({
        agents: ['cli', 'coordinator', 'worker-1'],
        messages: 2,
        completed: 1,
      });
      expect(await store.history.trace(alone)).toEqual({ agents: ['cli', 'coordinator'], messages: 1, completed: 0 });
      expect(await store.history.trace({ messageId: 'nowhere' })).toEqual({ agents: [], messages: 0, completed: 0 });
    });

    it('counts', async () => {
      const { store } = of();
      const messages = newMessages(5);
      const [first] = await store.outbox.append(messages, { owner: 'o', leaseMs: 1000 });
      await store.outbox.settle(first ? [first] : []);
      await store.deliveries.claim(
        messages.slice(0, 3).map((m) => claimOf(m)),
        'a',
        60_000,
      );
      await store.deliveries.complete(messages.slice(0, 1).map((m) => refOf(m)));
      await store.deliveries.fail(messages.slice(1, 2).map((m) => ({ ...refOf(m), state: 'expired', error: boom })));
      expect(await store.history.counts()).toEqual({
        messages: 5,
        outbox: 4,
        deliveries: { pending: 2, processing: 1, retrying: 0, completed: 1, dead: 0, expired: 1 },
      });
    });

    it('tells what waits and what is dead, at the consumers asked for and at all, and since when', async () => {
      const { store } = of();
      const none = { entries: 0, oldest: null, refusing: [], deliveries: [], oldestOwed: [] };
      expect(await store.history.figures([], true)).toEqual(none);
      const messages = newMessages(6);
      const other = newMessage({ recipient: toRole('other') });
      const later = newMessage({ recipient: toRole('later'), deliverAt: new Date(Date.now() + 60_000) });
      const leases = await store.outbox.append([...messages, other, later], { owner: 'o', leaseMs: 60_000 });
      await store.outbox.settle(leases.slice(0, 5));
      await store.deliveries.claim(
        messages.slice(0, 5).map((message) => claimOf(message)),
        'a',
        60_000,
      );
      const [done, dead, discarded, retrying] = messages.map((message) => refOf(message));
      if (!done || !dead || !discarded || !retrying) throw new Error('six messages');
      await store.deliveries.complete([done]);
      await store.deliveries.fail([
        { ...dead, state: 'dead', error: boom },
        { ...discarded, state: 'dead', error: boom },
        { ...retrying, state: 'retrying', retryInMs: 60_000, error: boom },
      ]);
      await store.replays.discard([discarded], 'seen');
      const { entries, oldest, refusing, deliveries } = await store.history.figures([WORKER, 'role.idle'], false);
      // of `messages` the last, and `other`: what is due later waits for nothing
      expect(entries).toBe(2);
      expect(oldest).toBeGreaterThanOrEqual(0);
      expect(oldest).toBeLessThan(30);
      expect(refusing).toEqual([]);
      const told = (found: typeof deliveries) =>
        found.map((each) => `${each.consumer} ${each.state} ${each.count}`).sort();
      const atWorker = ['dead 1', 'pending 1', 'processing 1', 'retrying 1'].map((each) => `${WORKER} ${each}`);
      const idle = ['dead 0', 'pending 0', 'processing 0', 'retrying 0'].map((each) => `role.idle ${each}`);
      expect(told(deliveries)).toEqual([...idle, ...atWorker]);
      const all = await store.history.figures([], true);
      const others = ['role.later', 'role.other'].flatMap((role) =>
        ['dead 0', 'pending 1', 'processing 0', 'retrying 0'].map((each) => `${role} ${each}`),
      );
      expect(told(all.deliveries)).toEqual([...others, ...atWorker]);
      const age = all.oldestOwed.find(({ consumer }) => consumer === WORKER)?.age;
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(30);
      await store.outbox.postpone(leases.slice(6, 7), 60_000, 'full', true);
      expect(await store.history.figures([], false)).toMatchObject({
        entries: 1,
        refusing: [{ target: 'role.other', entries: 1 }],
        deliveries: [],
      });
    });
  });
}
