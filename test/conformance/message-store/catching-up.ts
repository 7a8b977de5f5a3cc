import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Message, toRole, toTopic } from 'agentmq/protocol';
import type { ReplaySelection } from 'agentmq/message-store';
import { boom, claimed, claimOf, type Harness, newMessage, newMessages, refOf, wipe, WORKER } from './harness.js';
import { endedAtWorker, idsOf, lostAtBroker } from './histories.js';

const LONG = 60_000;
const AUDITOR = 'role.auditor';

/** replay to another consumer. */
export function catchingUp(of: () => Harness): void {
  describe('catching up', () => {
    beforeEach(() => wipe(of().store));

    const lost = (messages: readonly Message[]) => lostAtBroker(of().store, messages);
    const completed = (messages: readonly Message[]) => endedAtWorker(of().store, messages, 'completed');
    const due = () => of().store.outbox.leaseDue('relay', 10_000, LONG);
    const dueIds = async () => idsOf((await due()).map(({ message }) => message));
    const delivery = async (message: Message, consumer = WORKER) =>
      (await of().store.history.find(message.messageId))?.deliveries.find((each) => each.consumer === consumer);

    it("lets a new subscriber catch up on a topic's history, oldest first", async () => {
      const { store } = of();
      await store.subscriptions.subscribe(WORKER, ['market_data.*'], false);
      const history = ['AAPL', 'MSFT', 'AAPL'].map((name) => newMessage({ recipient: toTopic(`market_data.${name}`) }));
      const unheard = newMessage({ recipient: toTopic('market_data.IBM.NYSE') });
      await completed(history);
      await lost([unheard, newMessage()]);
      expect(await store.replays.replay({ topic: 'market_data.#' }, { to: AUDITOR })).toEqual({
        matched: 4,
        replayed: 4,
      });
      const entries = await due();
      expect(idsOf(entries.map(({ message }) => message))).toEqual(idsOf([...history, unheard]));
      expect(entries.every(({ consumer, lease }) => consumer === AUDITOR && lease === 2)).toBe(true);
      const [first] = history as [Message];
      expect(await delivery(first)).toMatchObject({ state: 'completed' });
      expect(await delivery(first, AUDITOR)).toMatchObject({ state: 'pending', attempt: 0 });
      const claim = claimOf(first, { consumer: AUDITOR });
      expect(await store.deliveries.claim([claim, claimOf(first)], 'b', LONG)).toEqual([
        claimed(1),
        { outcome: 'settled', state: 'completed', now: false },
      ]);
    });

    it('passes over what the consumer has, in whatever state', async () => {
      const { store } = of();
      const [owed, done, fresh] = newMessages(3, { recipient: toRole('worker') }) as [Message, Message, Message];
      await completed([owed, done, fresh]);
      await store.replays.replay({ messageIds: [owed.messageId, done.messageId] }, { to: AUDITOR });
      await store.deliveries.claim([claimOf(done, { consumer: AUDITOR })], 'b', LONG);
      await store.deliveries.complete([{ ...refOf(done), consumer: AUDITOR }]);
      expect(await store.replays.replay({}, { to: AUDITOR })).toEqual({ matched: 3, replayed: 1 });
      expect((await dueIds()).length).toBe(2);
      expect(await delivery(done, AUDITOR)).toMatchObject({ state: 'completed' });
    });

    it('takes the deliveries of one consumer, in the states asked for', async () => {
      const { store } = of();
      const [done, open] = newMessages(2) as [Message, Message];
      await completed([done]);
      await lost([open, newMessage({ recipient: toRole('other') })]);
      const replayed = async (selection: ReplaySelection, to: string) => {
        await store.replays.replay(selection, { to });
        return idsOf((await store.history.unprocessed(to)).map(({ message }) => message));
      };
      expect(await replayed({ consumer: WORKER }, 'role.a')).toEqual([open.messageId]);
      expect(await replayed({ consumer: WORKER, states: ['completed'] }, 'role.b')).toEqual([done.messageId]);
      expect(await replayed({ states: ['completed', 'pending'], type: 'other' }, 'role.c')).toEqual([]);
    });

    it('gives each message its time to live anew, and waits for what is to be delivered later', async () => {
      const { store } = of();
      const old = newMessage({ ttl: LONG, expiresAt: new Date(Date.now() - 1) });
      const later = newMessage({ ttl: 1, deliverAt: new Date(Date.now() + LONG) });
      await store.deliveries.record([old, later]);
      expect(await store.replays.replay({}, { to: AUDITOR })).toEqual({ matched: 2, replayed: 2 });
      expect(await dueIds()).toEqual([old.messageId]);
      expect(await store.retention.expire(10)).toBe(0);
      expect(await store.deliveries.claim([claimOf(old, { consumer: AUDITOR })], 'b', LONG)).toEqual([claimed(1)]);
    });

    it('leaves out what was never meant to be kept', async () => {
      const { store } = of();
      const rejected = { consumer: WORKER, state: 'dead', error: boom } as const;
      await store.deliveries.reject([{ message: newMessage({ transient: true }), ...rejected }]);
      expect(await store.replays.replay({}, { to: AUDITOR })).toEqual({ matched: 0, replayed: 0 });
    });

    it('delivers once, however many replay at once', async () => {
      const { store, others } = of();
      const messages = newMessages(300);
      await completed(messages);
      const answers = await Promise.all(others.map((other) => other.replays.replay({}, { to: AUDITOR })));
      expect(answers.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(300);
      expect((await dueIds()).sort()).toEqual(idsOf(messages).sort());
      expect((await store.history.counts()).deliveries).toMatchObject({ pending: 300, completed: 300 });
    });
  });
}
