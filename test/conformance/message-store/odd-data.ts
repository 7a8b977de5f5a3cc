import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Message, newMessageId } from 'agentmq/protocol';
import * as fc from 'fast-check';
import { claimed, claimOf, type Harness, newMessage, wipe, WORKER } from './harness.js';

/** What foreign producers may send: nothing of it makes a statement fail, and bodies come back byte by byte. */
export function oddData(of: () => Harness): void {
  describe('odd data', () => {
    beforeEach(() => wipe(of().store));

    const roundTrip = async (message: Message): Promise<Message | undefined> => {
      await of().store.outbox.append([message], { owner: 'o', leaseMs: 0 });
      const [entry] = await of().store.outbox.leaseDue('r', 1, 60_000);
      const found = await of().store.history.find(message.messageId);
      if (!entry || !found) throw new Error('neither leased nor found');
      // Jest compares Buffers byte by byte, and takes its time.
      expect(entry.message.body.equals(found.message.body)).toBe(true);
      expect({ ...entry.message, body: null }).toEqual({ ...found.message, body: null, attempt: 2 });
      return found.message;
    };

    it.each([
      ['empty', Buffer.alloc(0)],
      ['NUL', Buffer.from('a\0b')],
      ['not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
      ['half a character', Buffer.from('é').subarray(0, 1)],
      ['an encoded surrogate', Buffer.from([0xed, 0xa0, 0x80])],
      ['a byte order mark', Buffer.from('\ufeff{"a":1}')],
      ['emoji, quotes and backslashes', Buffer.from('👩‍👩‍👧 "\\" {},\\N NULL \' \r\n')],
      ['every byte', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
      ['5 MB', Buffer.alloc(5 * 1024 * 1024, 'αβγ"\\')],
      ['5 MB of no text', Buffer.alloc(5 * 1024 * 1024, 0xfe)],
    ])('gives back a body: %s', async (_name, body) => {
      const message = newMessage({ body });
      expect((await roundTrip(message))?.body.equals(body)).toBe(true);
    });

    it.each([
      '0001-01-01T00:00:00.001Z',
      '1969-12-31T23:59:59.999Z',
      '1999-12-31T23:59:59.999Z',
      '2000-01-01T00:00:00.000Z',
      '2255-06-07T08:09:10.011Z',
      '9999-12-31T23:59:59.999Z',
    ])('gives back a time to the millisecond: %s', async (time) => {
      const timestamp = new Date(time);
      const ttl = Number.MAX_SAFE_INTEGER;
      expect(await roundTrip(newMessage({ timestamp, ttl }))).toMatchObject({ timestamp, ttl });
    });

    it('gives back odd headers', async () => {
      const headers = {
        bytes: Buffer.from([0, 255]),
        date: new Date(0),
        big: 2n ** 63n,
        numbers: [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300, 0.1],
        nothing: null,
        missing: undefined,
        text: 'NUL \0 lone \ud800 emoji 👍 "\\',
        nested: [{ a: [{ b: { c: [Buffer.from('x'), [[]], {}] } }] }],
        'odd "key"\0': true,
        $agentmq: 'bytes',
        value: 'not base64',
        decimal: { '!': 'decimal', value: { places: 2, digits: 314 } },
      };
      expect((await roundTrip(newMessage({ headers })))?.headers).toEqual(headers);
    });

    it('cuts off headers that have no end', async () => {
      const circular: Record<string, unknown> = { name: 'loop', call: () => 1 };
      circular['self'] = circular;
      let deep: unknown = 'bottom';
      for (let level = 0; level < 20_000; level++) deep = { deep };
      const headers = (await roundTrip(newMessage({ headers: { circular, deep } })))?.headers;
      expect(headers?.['circular']).toEqual({ name: 'loop', call: '[function]', self: '[circular]' });
      expect(JSON.stringify(headers?.['deep'])).toContain('[nested too deep]');
    });

    it('takes ids of 255 characters, emoji, NUL and lone surrogates, and finds and claims by them', async () => {
      const { store } = of();
      const ids = [
        'x'.repeat(255),
        '👍'.repeat(60),
        'nul\0id',
        'lone\ud800id',
        '\ufeffmarked',
        '',
        "'; DROP",
        '{"a",\\}',
        'NULL',
      ];
      const messages = ids.map((messageId) => newMessage({ messageId }));
      const leases = await store.outbox.append(messages, { owner: 'o\0', leaseMs: 1000 });
      expect(leases.map(({ lease }) => lease)).toEqual(ids.map(() => 1));
      expect(
        await store.deliveries.claim(
          messages.map((m) => claimOf(m)),
          'a\0',
          1000,
        ),
      ).toEqual(ids.map(() => claimed(1)));
      const refs = ids.map((messageId) => ({ messageId, consumer: WORKER, attempt: 1 }));
      expect(await store.deliveries.complete(refs)).toEqual(ids.map(() => true));
      expect((await store.history.find('nul\0id'))?.message.messageId).toBe('nul\ufffdid');
      await store.outbox.settle(leases);
      for (const id of ids) expect(await store.history.find(id)).toMatchObject({ published: true });
    });

    it('refuses what Postgres can not hold with an error of its own, which tells that trying again does not help', async () => {
      const { store } = of();
      // too long for an index, whatever compresses it
      const messageId = randomBytes(6_000).toString('base64');
      const refused = { code: 'STORE_DATA', retryable: false, sqlState: '54000', cause: { code: '54000' } };
      for (const call of [
        () => store.outbox.append([newMessage({ messageId })], { owner: 'o', leaseMs: 1_000 }),
        () => store.outbox.append([newMessage({ correlationId: messageId })], { owner: 'o', leaseMs: 1_000 }),
        () => store.deliveries.record([newMessage({ messageId })]),
        () =>
          store.database.transaction((transaction) =>
            store.outbox.append([newMessage({ messageId })], { owner: 'o', transaction }),
          ),
      ]) {
        await expect(call()).rejects.toMatchObject(refused);
      }
      await expect(store.database.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
    });

    it('takes odd text in every field', async () => {
      const odd = 'a\0\ud800"\\{}\u2028👍';
      const cleaned = 'a\ufffd\ufffd"\\{}\u2028👍';
      const fields = (text: string): Partial<Message> => ({
        sender: text,
        recipient: { kind: 'topic', name: text },
        correlationId: text,
        causationId: text.repeat(10_000),
        type: text,
        replyTo: text,
        contentType: text,
        trace: { traceparent: text, tracestate: text },
        version: Number.MAX_SAFE_INTEGER,
        ttl: 251_000_000_000_000,
        deliverAt: new Date('1970-01-01T00:00:00.002Z'),
        expiresAt: new Date('9999-12-31T23:59:59.999Z'),
        timestamp: new Date('1970-01-01T00:00:00.001Z'),
        transient: true,
      });
      const message = newMessage(fields(odd));
      expect(await roundTrip(message)).toEqual({ ...message, ...fields(cleaned) });
      expect(await of().store.history.list({ correlationId: odd, type: odd })).toHaveLength(1);
    });

    it('gives back any message (property)', async () => {
      // Strings as the store can keep them: what it changes is told above.
      const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((s) => !/[\0\ufeff]/.test(s));
      const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
      const date = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
      const messages = fc
        .record({
          sender: text,
          recipient: fc.record({ kind: fc.constantFrom('role', 'agent', 'topic', 'broadcast'), name: text }),
          timestamp: date,
          type: text,
          version: fc.maxSafeNat(),
          priority: fc.integer({ min: 0, max: 10 }),
          body: fc.oneof(
            fc.uint8Array().map((bytes) => Buffer.from(bytes)),
            fc.string({ unit: 'binary' }).map((s) => Buffer.from(s)),
          ),
          contentType: text,
          correlationId: optional(text),
          causationId: optional(text),
          replyTo: optional(text),
          deliverAt: optional(date),
          expiresAt: optional(date),
          ttl: optional(fc.integer({ min: 1, max: 0xffff_ffff })),
          trace: optional(fc.record({ traceparent: text, tracestate: text })),
          headers: optional(
            fc.dictionary(
              fc.string({ unit: 'binary' }),
              // Jest takes two invalid dates for different ones
              fc
                .anything({ withBigInt: true, withDate: true, withNullPrototype: false, maxDepth: 3 })
                .filter((value) => !inspect(value, { depth: null }).includes('Invalid Date')),
            ),
          ),
        })
        .map((fields) => {
          const given = Object.entries(fields).filter(([, value]) => value !== undefined);
          return { ...(Object.fromEntries(given) as Partial<Message>), messageId: newMessageId() };
        });
      await fc.assert(
        fc.asyncProperty(fc.array(messages, { maxLength: 5 }), async (batch) => {
          const stored = batch.map((fields) => newMessage(fields));
          await of().store.outbox.append(stored, { owner: 'o', leaseMs: 60_000 });
          for (const message of stored)
            expect((await of().store.history.find(message.messageId))?.message).toEqual(message);
        }),
        { numRuns: 60 },
      );
    });
  });
}
