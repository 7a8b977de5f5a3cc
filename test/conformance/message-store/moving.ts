import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Message, toTopic } from 'agentmq/protocol';
import type { DeliveryState } from 'agentmq/message-store';
import {
  boom,
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
const RENAMED = 'role.renamed';
const OPEN: readonly DeliveryState[] = ['pending', 'processing', 'retrying'];

/** What a consumer is owed becomes another one's. */
export function moving(of: () => Harness): void {
  describe('moving', () => {
    beforeEach(() => wipe(of().store));

    const move = (states = OPEN, dryRun = false) =>
      of().store.replays.replay({ consumer: WORKER, states }, { to: RENAMED, move: true, dryRun });
    const statesOf = async ({ messageId }: Message) =>
      Object.fromEntries(
        ((await of().store.history.find(messageId))?.deliveries ?? []).map(({ consumer, state }) => [consumer, state]),
      );
    const delivery = async ({ messageId }: Message, consumer: string) =>
      (await of().store.history.find(messageId))?.deliveries.find((each) => each.consumer === consumer);
    const due = async () =>
      (await of().store.outbox.leaseDue('relay', 100, LONG)).map(
        ({ message, consumer }) => `${consumer} ${message.messageId}`,
      );
    const appended = async (...messages: Message[]) =>
      of().store.outbox.append(messages, { owner: 'a', leaseMs: LONG });
    const claimsAt = (consumer: string, ...messages: Message[]) =>
      of().store.deliveries.claim(
        messages.map((message) => claimOf(message, { consumer })),
        'x',
        LONG,
      );

    it('what is open is owed to the other alone, once, with its history; a copy at the old one is dropped', async () => {
      const { store } = of();
      const [fresh, failed, given, held, done] = newMessages(5) as [Message, Message, Message, Message, Message];
      const leases = await appended(fresh, failed, given, held, done);
      await store.outbox.settle(leases.slice(1));
      await claimsAt(WORKER, failed, given, held, done);
      await store.deliveries.fail([{ ...refOf(failed), error: boom, state: 'retrying', retryInMs: LONG }]);
      await store.deliveries.release([refOf(given)]);
      await store.deliveries.complete([refOf(done)]);
      expect(await move(OPEN, true)).toMatchObject({ matched: 3, replayed: 3 });
      expect(await move()).toMatchObject({ matched: 3, replayed: 3 });
      expect(await move()).toMatchObject({ matched: 0, replayed: 0 });
      for (const message of [fresh, failed, given]) {
        expect(await statesOf(message)).toEqual({ [WORKER]: 'dead', [RENAMED]: 'pending' });
      }
      expect(await statesOf(held)).toEqual({ [WORKER]: 'processing' });
      expect(await statesOf(done)).toEqual({ [WORKER]: 'completed' });
      expect(await store.history.list({ state: 'dead' })).toEqual([]);
      expect(await delivery(fresh, WORKER)).toMatchObject({
        error: { code: 'MOVED', message: `moved to ${RENAMED}` },
        discarded: { reason: `moved to ${RENAMED}` },
      });
      expect(await claimsAt(WORKER, fresh, failed, given)).toEqual([settled('dead'), settled('dead'), settled('dead')]);
      expect((await due()).sort()).toEqual(
        [fresh, failed, given].map(({ messageId }) => `${RENAMED} ${messageId}`).sort(),
      );
      expect(await claimsAt(RENAMED, fresh, failed, given)).toEqual([claimed(1), claimed(2, 1), claimed(2)]);
      expect((await delivery(failed, RENAMED))?.history).toMatchObject([{ attempt: 1, error: boom }]);
      expect((await store.history.unprocessed(WORKER)).map(({ message }) => message.messageId)).toEqual([
        held.messageId,
      ]);
    });

    it('dead letters only if asked for: they begin anew', async () => {
      const { store } = of();
      const [dead] = newMessages(1) as [Message];
      await store.outbox.settle(await appended(dead));
      await claimsAt(WORKER, dead);
      await store.deliveries.fail([{ ...refOf(dead), error: boom, state: 'dead' }]);
      expect(await move()).toMatchObject({ matched: 0 });
      expect(await move([...OPEN, 'dead'])).toMatchObject({ matched: 1, replayed: 1 });
      expect(await move([...OPEN, 'dead'])).toMatchObject({ matched: 0 });
      expect(await claimsAt(RENAMED, dead)).toEqual([claimed(2)]);
      expect(await delivery(dead, RENAMED)).toMatchObject({ error: null, history: [] });
    });

    it('leaves what the other has already as it is, and what is published to other consumers to them', async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['t'], false);
      await store.subscriptions.subscribe('role.other', ['t'], false);
      const published = newMessage({ recipient: toTopic('t') });
      await appended(published);
      await store.replays.replay({ messageIds: [published.messageId] }, { to: RENAMED });
      await claimsAt(RENAMED, published);
      await store.deliveries.complete([{ ...refOf(published), consumer: RENAMED }]);
      expect(await move()).toMatchObject({ matched: 1, replayed: 1 });
      expect(await statesOf(published)).toEqual({ [WORKER]: 'dead', [RENAMED]: 'completed', 'role.other': 'pending' });
      expect((await store.history.find(published.messageId))?.published).toBe(false);
    });

    it('what is to be delivered later goes to the other then', async () => {
      const { store } = of();
      const later = newMessage({ deliverAt: new Date(Date.now() + LONG) });
      await appended(later);
      expect(await move()).toMatchObject({ replayed: 1 });
      expect(await due()).toEqual([]);
      await store.database.query(`UPDATE "${store.database.schema}".outbox SET due_at = now()`);
      expect(await due()).toEqual([`${RENAMED} ${later.messageId}`]);
    });

    it('of two at once, each delivery is moved by one', async () => {
      const { others } = of();
      const messages = newMessages(50);
      await appended(...messages);
      const batches = await Promise.all(
        others.map((other) => other.replays.replay({ consumer: WORKER }, { to: RENAMED, move: true })),
      );
      const moved = batches.reduce((sum, { replayed }) => sum + replayed, 0) + (await move()).replayed;
      expect(moved).toBe(50);
      expect(new Set(await due()).size).toBe(50);
    });

    it('subscriptions too: nothing new is owed to the old one', async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['a.*', 'b'], false);
      await store.subscriptions.subscribe(RENAMED, ['b'], false);
      expect(await store.subscriptions.move(WORKER, RENAMED)).toEqual(['a.*', 'b']);
      expect(await store.subscriptions.move(WORKER, RENAMED)).toEqual([]);
      const published = newMessage({ recipient: toTopic('a.x') });
      await appended(published);
      expect(await statesOf(published)).toEqual({ [RENAMED]: 'pending' });
      expect(await store.subscriptions.topics(WORKER)).toEqual({ topics: [], dropped: ['a.*', 'b'], undeclared: [] });
      expect(await store.subscriptions.topics(RENAMED)).toEqual({ topics: ['a.*', 'b'], dropped: [], undeclared: [] });
    });

    it.each([
      ['consumer', {}, RENAMED],
      ['to', { consumer: WORKER }, undefined],
      ['to', { consumer: WORKER }, WORKER],
      ['states', { consumer: WORKER, states: ['completed'] as const }, RENAMED],
    ])('names %s when that is wrong', async (field, selection, to) => {
      const moved = of().store.replays.replay(selection, { move: true, ...(to === undefined ? {} : { to }) });
      await expect(moved).rejects.toMatchObject({ code: 'INVALID_SELECTION', field });
    });
  });
}
