import { beforeEach, describe, expect, it } from '@jest/globals';
import { HEADER, type Message, toAgent, toEveryone, toRole, toTopic } from 'agentmq/protocol';
import type { HandledContract, StoredDelivery, UnhandledDelivery } from 'agentmq/message-store';
import {
  boom,
  claimed,
  claimOf,
  type Harness,
  newMessage,
  pendingAt,
  refOf,
  settled,
  wipe,
  WORKER,
} from './harness.js';

const LIVE = 60_000;
const HOUR = 3_600_000;
const handled: HandledContract = { type: 'test_message', version: 1 };
const error = { name: 'UnknownTypeError', code: 'UNKNOWN_TYPE', message: 'no handler', retryable: false };

/** Messages that an instance has no handler for. */
export function unhandled(of: () => Harness): void {
  describe('unhandled', () => {
    beforeEach(() => wipe(of().store));

    const register = async (id: string, handles: HandledContract[] = [handled], role = 'worker') =>
      of().store.agents.register({ id, role, handles, capabilities: [], instance: 'i', version: '1', concurrency: 1 });
    const decide = async (message: Message, fields: Partial<UnhandledDelivery> = {}, graceMs = HOUR) => {
      const delivery = { messageId: message.messageId, consumer: WORKER, error, forwarded: false, ...fields };
      const [result] = await of().store.unhandled.decide([delivery], { agentId: 'old', liveMs: LIVE, graceMs });
      return result;
    };
    const appended = async (fields: Partial<Message> = {}): Promise<Message> => {
      const message = newMessage(fields);
      const leases = await of().store.outbox.append([message], { owner: 'a', leaseMs: LIVE });
      await of().store.outbox.settle(leases);
      return message;
    };
    const delivery = async ({ messageId }: Message): Promise<StoredDelivery | undefined> =>
      (await of().store.history.find(messageId))?.deliveries[0];
    const due = async () =>
      (await of().store.outbox.leaseDue('relay', 100, LIVE)).map(({ message }) => message.messageId);
    const change = (sql: string) => of().store.database.query(sql.replaceAll('{}', `"${of().store.database.schema}"`));

    it('is for another live agent of the role that handles it; it stays owed, with no attempt', async () => {
      const { store } = of();
      await register('new');
      const message = await appended();
      expect(await decide(message)).toEqual({ outcome: 'forward', agentId: 'new' });
      expect(await delivery(message)).toMatchObject({ state: 'pending', attempt: 0, error: null });
      expect(await store.deliveries.claim([claimOf(message)], 'new', LIVE)).toEqual([claimed(1)]);
      expect(await due()).toEqual([]);
    });

    it.each<[string, () => Promise<unknown>]>([
      ['is the one that asks', () => register('old')],
      ['is of another role', () => register('new', [handled], 'other')],
      ['handles another version', () => register('new', [{ ...handled, version: 2 }])],
      ['handles another type', () => register('new', [{ ...handled, type: 'other' }])],
      ['handles it on a topic only', () => register('new', [{ ...handled, topic: '#', scope: 'role' }])],
      ['has left', () => register('new').then(() => of().store.agents.deregister({ id: 'new', instance: 'i' }))],
      [
        'is silent',
        () => register('new').then(() => change(`UPDATE {}.agents SET heartbeat_at = now() - interval '2 minutes'`)),
      ],
      [
        'was replaced by one that does not say what it handles',
        () => register('new').then(() => change(`UPDATE {}.agents SET instance = 'of the version before'`)),
      ],
    ])('waits, with the reason, while the only agent that handles it %s', async (_, prepare) => {
      await prepare();
      const message = await appended();
      expect(await decide(message)).toEqual({ outcome: 'waiting', now: true });
      expect(await delivery(message)).toMatchObject({ state: 'retrying', attempt: 0, error, history: [] });
      expect(await of().store.deliveries.claim([claimOf(message)], 'x', LIVE)).toEqual([{ outcome: 'waiting' }]);
      expect(await decide(message)).toEqual({ outcome: 'waiting', now: false });
      expect(await of().store.outbox.size(10)).toBe(0);
      const [waiting] = await of().store.unhandled.waiting([WORKER, 'role.other']);
      expect(waiting).toEqual({ consumer: WORKER, ...handled, count: 1, since: expect.any(Date) });
    });

    it('of an agent of several roles goes to it if it handles it for that role', async () => {
      const { store } = of();
      const [worker, clerk] = [
        { ...handled, role: 'worker' },
        { ...handled, type: 'other', role: 'clerk' },
      ];
      const both = { id: 'new', role: 'worker', roles: ['worker', 'clerk'], handles: [worker, clerk] };
      await store.agents.register({ ...both, capabilities: [], instance: 'i', version: '1', concurrency: 1 });
      const consumers = [WORKER, 'role.clerk', 'agent.new'] as const;
      const sought = ['test_message', 'other'].flatMap((type) =>
        consumers.map((consumer) => ({ consumer, type, version: 1 })),
      );
      const found = await store.unhandled.elsewhere(sought, { agentId: 'old', liveMs: LIVE });
      expect(found).toEqual(['new', undefined, 'new', undefined, 'new', 'new']);
      const message = await appended({ recipient: toRole('clerk'), type: 'other' });
      expect(await decide(message, { consumer: 'role.clerk' })).toEqual({ outcome: 'forward', agentId: 'new' });
    });

    it('is not passed on twice', async () => {
      await register('new');
      expect(await decide(await appended(), { forwarded: true })).toEqual({ outcome: 'waiting', now: true });
    });

    it('that was published goes to one that handles its type on that topic; what nobody is subscribed to is stray', async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['t.*', 'u'], false);
      await register('new', [{ ...handled, topic: 't.*', scope: 'role' }]);
      const onT = await appended({ recipient: toTopic('t.x') });
      expect(await decide(onT, { topic: 't.x' })).toEqual({ outcome: 'forward', agentId: 'new' });
      const onU = await appended({ recipient: toTopic('u') });
      expect(await decide(onU, { topic: 'u' })).toEqual({ outcome: 'waiting', now: true });
      const stray = await appended({ recipient: toTopic('v') });
      expect(await decide(stray, { topic: 'v' })).toEqual({ outcome: 'stray' });
      expect(await delivery(stray)).toBeUndefined();
      const sought = { consumer: WORKER, type: 'test_message', version: 1 };
      const options = { agentId: 'old', liveMs: LIVE };
      expect(
        await store.unhandled.elsewhere([{ ...sought, topic: 'u' }, sought, { ...sought, topic: 't.y' }], options),
      ).toEqual([undefined, undefined, 'new']);
    });

    it('that came from outside is unknown, then kept like any', async () => {
      const { store } = of();
      const message = newMessage();
      expect(await decide(message)).toEqual({ outcome: 'unknown' });
      await store.deliveries.record([message]);
      expect(await decide(message)).toEqual({ outcome: 'waiting', now: true });
      expect(await delivery(message)).toMatchObject({ state: 'retrying', error });
    });

    it('is due as soon as an agent handles it, and is then claimed and completed', async () => {
      const { store } = of();
      const [message, other] = [await appended(), await appended({ type: 'other' })];
      await decide(message);
      await decide(other);
      expect(await store.unhandled.rouse([WORKER], LIVE, 100)).toBe(0);
      await register('new');
      expect(await store.unhandled.rouse([WORKER], LIVE, 100)).toBe(1);
      expect(await store.unhandled.rouse([WORKER], LIVE, 100)).toBe(0);
      expect(await due()).toEqual([message.messageId]);
      expect(await store.deliveries.claim([claimOf(message)], 'new', LIVE)).toEqual([claimed(1)]);
      expect(
        await store.deliveries.fail([{ ...refOf(message), error: boom, state: 'retrying', retryInMs: LIVE }]),
      ).toEqual([true]);
      expect(await store.unhandled.rouse([WORKER], LIVE, 100)).toBe(0);
      expect(await store.unhandled.waiting([WORKER])).toMatchObject([{ type: 'other' }]);
    });

    it('is due again when the agent that it was passed on to is gone', async () => {
      const { store } = of();
      await register('new');
      const message = await appended();
      await decide(message);
      expect(await store.unhandled.rouse([WORKER], LIVE, 100)).toBe(0);
      await store.agents.deregister({ id: 'new', instance: 'i' });
      expect(await store.unhandled.rouse([WORKER], LIVE, 100)).toBe(1);
      expect(await due()).toEqual([message.messageId]);
      expect(await decide(message)).toEqual({ outcome: 'waiting', now: true });
    });

    it('is dead with the reason when it has waited for long enough, or when its own time is over', async () => {
      const { store } = of();
      const patient = await appended();
      await decide(patient);
      await change(`UPDATE {}.deliveries SET unhandled_since = now() - interval '2 hours', due_at = now()`);
      expect(await decide(patient)).toEqual({ outcome: 'settled', now: true });
      expect(await delivery(patient)).toMatchObject({ state: 'dead', attempt: 0, error, finishedAt: expect.any(Date) });
      expect(await store.deliveries.claim([claimOf(patient)], 'x', LIVE)).toEqual([settled('dead')]);
      const byRelay = { entries: 'UPDATE {}.outbox SET due_at = now()', close: due };
      const byUpkeep = { entries: 'DELETE FROM {}.outbox', close: () => store.retention.expire(100) };
      for (const { entries, close } of [byRelay, byUpkeep]) {
        const brief = await appended();
        expect(await decide(brief)).toEqual({ outcome: 'waiting', now: true });
        await change(`UPDATE {}.deliveries SET due_at = now(), expires_at = now() WHERE state = 'retrying'`);
        await change(entries);
        await close();
        expect(await delivery(brief)).toMatchObject({ state: 'dead', error });
      }
      await store.replays.replay({ messageIds: [patient.messageId], states: ['dead'] });
      expect(await decide(patient)).toEqual({ outcome: 'waiting', now: true });
    });

    it('leaves alone what another holds, and what has failed and waits for its retry; settled is settled', async () => {
      const { store } = of();
      const [held, retried, done] = [await appended(), await appended(), await appended()];
      await store.deliveries.claim(
        [held, retried, done].map((message) => claimOf(message)),
        'x',
        LIVE,
      );
      await store.deliveries.fail([{ ...refOf(retried), error: boom, state: 'retrying', retryInMs: LIVE }]);
      await store.deliveries.complete([refOf(done)]);
      expect(await decide(held)).toEqual({ outcome: 'busy' });
      expect(await decide(retried)).toEqual({ outcome: 'waiting', now: false });
      expect(await decide(done)).toEqual({ outcome: 'settled', now: false });
      await register('new');
      expect(await decide(held)).toEqual({ outcome: 'forward', agentId: 'new' });
      expect(await delivery(held)).toMatchObject({ state: 'processing', attempt: 1 });
      expect(await delivery(retried)).toMatchObject({ state: 'retrying', error: boom });
    });

    it('counts an attempt that was cut off before it waits', async () => {
      const { store } = of();
      const message = await appended();
      await store.deliveries.claim([claimOf(message)], 'x', LIVE);
      await change(`UPDATE {}.deliveries SET leased_until = now()`);
      expect(await decide(message)).toEqual({ outcome: 'waiting', now: true });
      expect(await delivery(message)).toMatchObject({ history: [{ attempt: 1, error: { code: 'CLAIM_LOST' } }] });
    });

    it('a broadcast that an agent does not handle is not owed to it, and leaves no row', async () => {
      const { store } = of();
      await store.subscriptions.subscribe('agent.a', [], true);
      await store.subscriptions.subscribe('agent.b', [], true);
      const all = await appended({ recipient: toEveryone });
      const own = await appended({ recipient: toAgent('a') });
      await store.deliveries.claim([claimOf(all, { consumer: 'agent.b' })], 'b', LIVE);
      await store.unhandled.disown(
        ['agent.a', 'agent.b', 'agent.c'].map((consumer) => ({ messageId: all.messageId, consumer })),
      );
      expect((await store.history.find(all.messageId))?.deliveries).toMatchObject([
        { consumer: 'agent.b', state: 'processing' },
      ]);
      expect(await delivery(own)).toEqual(pendingAt(own, 'agent.a'));
      // A copy may say that it was sent to all.
      await store.unhandled.disown([{ messageId: own.messageId, consumer: 'agent.a' }]);
      expect(await delivery(own)).toEqual(pendingAt(own, 'agent.a'));
      const edited = await appended({ recipient: toAgent('a'), headers: { [HEADER.recipient]: 'broadcast' } });
      await store.unhandled.disown([{ messageId: edited.messageId, consumer: 'agent.a' }]);
      expect((await store.history.find(edited.messageId))?.deliveries).toEqual([]);
    });
  });
}
