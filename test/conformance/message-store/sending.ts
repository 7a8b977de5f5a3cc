import { beforeEach, describe, expect, it } from '@jest/globals';
import { newMessageId, toAgent, toEveryone, toTopic } from 'agentmq/protocol';
import { boom, claimOf, type Harness, newMessage, newMessages, pendingAt, settled, wipe, WORKER } from './harness.js';

const ours = { owner: 'sender-1', leaseMs: 60_000 };
const due = { owner: 'sender-1', leaseMs: 0 };

/** append, settle, postpone, leaseDue, record. */
export function sending(of: () => Harness): void {
  describe('sending', () => {
    beforeEach(() => wipe(of().store));

    it('appends a message with an outbox entry leased to its sender', async () => {
      const { store } = of();
      const message = newMessage();
      const [lease] = await store.outbox.append([message], ours);
      expect(lease).toEqual({ id: expect.stringMatching(/^[1-9]\d*$/), lease: 1 });
      expect(await store.history.find(message.messageId)).toEqual({
        message,
        storedAt: expect.any(Date),
        received: false,
        published: false,
        deliveries: [pendingAt(message, WORKER)],
      });
      expect(await store.outbox.leaseDue('relay-1', 10, 1000)).toEqual([]);
    });

    it('answers a lease for each message in the order asked', async () => {
      const { store } = of();
      const messages = newMessages(50).reverse();
      const leases = await store.outbox.append(messages, due);
      const entries = await store.outbox.leaseDue('relay-1', 100, 1000);
      const byId = new Map(entries.map((entry) => [entry.id, entry.message.messageId]));
      expect(leases.map(({ id }) => byId.get(id))).toEqual(messages.map(({ messageId }) => messageId));
    });

    it('records what came over the wire, and tells whether what is stored under its id is the same', async () => {
      const { store } = of();
      const [sent, received] = newMessages(2);
      if (!sent || !received) throw new Error('two were made');
      await store.outbox.append([sent], ours);
      const others = [
        { ...received, body: Buffer.from('{"n":2}') },
        { ...received, type: 'another' },
        { ...received, version: 2 },
        { ...sent, body: Buffer.from([0xff]) },
      ];
      const again = { ...received, sender: 'another', attempt: 2, recipient: toAgent('a') };
      expect(await store.deliveries.record([received, ...others, again, sent])).toEqual([
        true,
        false,
        false,
        false,
        false,
        true,
        true,
      ]);
      expect(await store.deliveries.record([again])).toEqual([true]);
      expect(await store.history.find(received.messageId)).toMatchObject({ message: received, received: true });
      expect(await store.history.find(sent.messageId)).toMatchObject({ message: sent, received: false });
      expect(await store.history.list({ received: true })).toMatchObject([{ message: received }]);
    });

    it('takes empty batches', async () => {
      const { store } = of();
      expect(await store.outbox.append([], ours)).toEqual([]);
      expect(await store.deliveries.claim([], 'a', 1)).toEqual([]);
      expect(await store.deliveries.complete([])).toEqual([]);
      await store.outbox.settle([]);
      await store.outbox.postpone([], 1, 'x');
      await store.deliveries.record([]);
      await store.deliveries.reject([]);
      await store.deliveries.release([]);
    });

    it('keeps the first version of a message id, with one outbox entry, and answers its owner with that', async () => {
      const { store } = of();
      const first = newMessage({ body: Buffer.from('first') });
      const again = { ...first, body: Buffer.from('second') };
      const inBatch = await store.outbox.append([first, again], ours);
      expect(inBatch[0]).toEqual(inBatch[1]);
      expect(await store.outbox.append([again, newMessage()], ours)).toEqual([
        inBatch[0],
        expect.objectContaining({ lease: 1 }),
      ]);
      expect(await store.outbox.append([again], { owner: 'another', leaseMs: 1000 })).toEqual([{ id: '0', lease: 0 }]);
      expect((await store.history.find(first.messageId))?.message.body.toString()).toBe('first');
      expect(await store.history.counts()).toMatchObject({ messages: 2, outbox: 2 });
    });

    it('settles: the entry is gone, the message published', async () => {
      const { store } = of();
      const messages = newMessages(3);
      const leases = await store.outbox.append(messages, ours);
      await store.outbox.settle([...leases.slice(0, 2), ...leases.slice(0, 2), { id: '0', lease: 0 }]);
      await store.outbox.settle(leases.slice(0, 1));
      expect((await store.history.counts()).outbox).toBe(1);
      const published = await Promise.all(
        messages.map(async (m) => (await store.history.find(m.messageId))?.published),
      );
      expect(published).toEqual([true, true, false]);
    });

    it('does not settle an entry that another has leased since', async () => {
      const { store } = of();
      const stale = await store.outbox.append(newMessages(2), due);
      const entries = await store.outbox.leaseDue('relay-1', 10, 60_000);
      expect(entries.map(({ lease }) => lease)).toEqual([2, 2]);
      await store.outbox.settle(stale);
      expect((await store.history.counts()).outbox).toBe(2);
      await store.outbox.postpone(stale, 0, 'late');
      expect(await store.outbox.leaseDue('relay-2', 10, 1000)).toEqual([]);
      await store.outbox.settle(entries);
      expect((await store.history.counts()).outbox).toBe(0);
    });

    it('postpones: due again after the delay, not before', async () => {
      const { store } = of();
      const [now, later] = await store.outbox.append(newMessages(2), ours);
      if (!now || !later) throw new Error('no leases');
      await store.outbox.postpone([now], 0, 'no\0route');
      await store.outbox.postpone([later], 60_000, 'no route');
      expect((await store.outbox.leaseDue('relay-1', 10, 1000)).map(({ id }) => id)).toEqual([now.id]);
    });

    it('leases due entries oldest first, up to the limit, with the lease as attempt', async () => {
      const { store } = of();
      const messages = newMessages(5);
      for (const message of messages) await store.outbox.append([message], due);
      const first = await store.outbox.leaseDue('relay-1', 3, 60_000);
      const second = await store.outbox.leaseDue('relay-1', 3, 60_000);
      expect(first.map(({ message }) => message)).toEqual(messages.slice(0, 3).map((m) => ({ ...m, attempt: 2 })));
      expect(second.map(({ message }) => message.messageId)).toEqual(messages.slice(3).map((m) => m.messageId));
    });

    it('leases again what was leased until its lease ran out', async () => {
      const { store } = of();
      const [message] = newMessages(1);
      await store.outbox.append(message ? [message] : [], due);
      expect((await store.outbox.leaseDue('relay-1', 1, 0))[0]?.lease).toBe(2);
      expect((await store.outbox.leaseDue('relay-2', 1, 0))[0]?.lease).toBe(3);
    });

    it('bounds the bytes of one answer, but not below one entry', async () => {
      const { store } = of();
      await store.outbox.append(newMessages(4, { body: Buffer.alloc(12 * 1024 * 1024, 'x') }), due);
      const sizes: number[] = [];
      for (let entries = await store.outbox.leaseDue('r', 10, 60_000); entries.length > 0;) {
        sizes.push(entries.length);
        entries = await store.outbox.leaseDue('r', 10, 60_000);
      }
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(4);
      expect(sizes.length).toBeGreaterThan(1);
    });

    it('closes expired messages as expired, for whomever they were', async () => {
      const { store } = of();
      const past = { expiresAt: new Date(Date.now() - 7_200_000), ttl: 5 };
      const recipients = [toAgent('worker-1'), toTopic('market.a'), toEveryone];
      const expired = recipients.map((recipient) => newMessage({ recipient, ...past }));
      const live = newMessage({ expiresAt: new Date(Date.now() + 7_200_000), ttl: 7_200_000 });
      await store.outbox.append([...expired, live], due);
      const entries = [
        ...(await store.outbox.leaseDue('r', 2, 60_000)),
        ...(await store.outbox.leaseDue('r', 2, 60_000)),
      ];
      expect(entries.map(({ message }) => message.messageId)).toEqual([live.messageId]);
      const found = await Promise.all(expired.map((m) => store.history.find(m.messageId)));
      expect(found.flatMap((m) => m?.deliveries.map(({ consumer, state }) => [consumer, state]))).toEqual([
        ['agent.worker-1', 'expired'],
        ['topic:market.a', 'expired'],
        ['broadcast', 'expired'],
      ]);
      expect(found[0]?.deliveries[0]?.error?.code).toBe('MESSAGE_EXPIRED');
      expect((await store.history.counts()).outbox).toBe(1);
    });

    it('hands each due entry to one of many relays', async () => {
      const { store, others } = of();
      for (let n = 0; n < 4; n++) await store.outbox.append(newMessages(500), due);
      const taken = await Promise.all(
        others.map(async (relay, index) => {
          const ids: string[] = [];
          for (;;) {
            const entries = await relay.outbox.leaseDue(`relay-${index}`, 50, 60_000);
            if (entries.length === 0) return ids;
            ids.push(...entries.map(({ id }) => id));
          }
        }),
      );
      expect(taken.flat()).toHaveLength(2000);
      expect(new Set(taken.flat()).size).toBe(2000);
    });

    it('appends overlapping batches from many senders without deadlock, each message once', async () => {
      const { store, others } = of();
      const messages = newMessages(200);
      await Promise.all(
        others.map((sender, index) =>
          sender.outbox.append(index % 2 ? messages : [...messages].reverse(), { owner: `s-${index}`, leaseMs: 1000 }),
        ),
      );
      expect(await store.history.counts()).toMatchObject({ messages: 200, outbox: 200 });
    });

    it('records messages from outside, without outbox entry, and leaves what is stored', async () => {
      const { store } = of();
      const message = newMessage({ messageId: 'order-1' });
      await store.deliveries.record([message, { ...message, body: Buffer.from('other') }]);
      await store.deliveries.record([{ ...message, body: Buffer.from('other') }]);
      expect(await store.history.find('order-1')).toMatchObject({ message, published: true });
      expect(await store.history.counts()).toMatchObject({ messages: 1, outbox: 0 });
    });

    it('rejects messages: stored, with the reason; a delivery that exists stays', async () => {
      const { store } = of();
      const [known, unknown] = [newMessage(), newMessage({ messageId: newMessageId() })];
      await store.deliveries.record([known]);
      await store.deliveries.claim([claimOf(known)], 'a', 60_000);
      const rejection = { consumer: WORKER, state: 'dead', error: { ...boom, stack: 'at x\0' } } as const;
      await store.deliveries.reject([
        { message: known, ...rejection },
        { message: unknown, ...rejection },
        { message: unknown, ...rejection, consumer: 'role.other', state: 'expired' },
        { message: unknown, ...rejection },
      ]);
      expect((await store.history.find(known.messageId))?.deliveries).toMatchObject([{ state: 'processing' }]);
      const found = await store.history.find(unknown.messageId);
      expect(found?.deliveries).toHaveLength(2);
      expect(found?.deliveries.find(({ consumer }) => consumer === WORKER)).toEqual({
        messageId: unknown.messageId,
        consumer: WORKER,
        state: 'dead',
        attempt: 0,
        agentId: null,
        error: rejection.error,
        history: [],
        dueAt: null,
        receivedAt: expect.any(Date),
        finishedAt: expect.any(Date),
        discarded: null,
      });
      expect(await store.deliveries.claim([claimOf(unknown)], 'a', 1)).toEqual([settled('dead')]);
    });
  });
}
