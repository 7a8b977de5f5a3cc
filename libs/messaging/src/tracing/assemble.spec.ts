import { describe, expect, it } from '@jest/globals';
import { type Message, parseRecipient, type Recipient } from 'agentmq/protocol';
import type { HopRecord, StoredDelivery, StoredMessage } from 'agentmq/message-store';
import fc from 'fast-check';
import { assemble } from './assemble.js';
import type { Trace } from './trace.js';

const ID = '1'.repeat(32);
const at = (ms: number): Date => new Date(1_000_000 + ms);
const failure = { name: 'Error', code: 'HANDLER_FAILED' };
const of = (stored: readonly StoredMessage[], records: readonly HopRecord[], most = 1_000): Trace =>
  assemble(ID, stored, records, { most, isPart: false });

interface Told {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly sent: number;
  readonly cause?: string;
}

const durable = ({ id, from, to, sent, cause }: Told, ...deliveries: Partial<StoredDelivery>[]): StoredMessage => ({
  message: {
    messageId: id,
    sender: from,
    recipient: parseRecipient(to) as Recipient,
    timestamp: at(sent),
    type: 't',
    version: 1,
    priority: 5,
    attempt: 1,
    body: Buffer.alloc(0),
    contentType: 'application/json',
    ...(cause === undefined ? {} : { causationId: cause }),
  } satisfies Message,
  storedAt: at(sent + 1),
  received: false,
  published: true,
  deliveries: deliveries.map((delivery) => ({
    messageId: id,
    consumer: to,
    state: 'completed',
    attempt: 1,
    agentId: 'b',
    error: null,
    history: [],
    dueAt: null,
    receivedAt: at(sent + 10),
    finishedAt: at(sent + 20),
    discarded: null,
    ...delivery,
  })),
});

const sent = (told: Told & { readonly kind?: string }, more: Partial<HopRecord> = {}): HopRecord => ({
  traceId: ID,
  messageId: told.id,
  side: 'sent',
  agentId: told.from,
  attempt: 1,
  beganAt: at(told.sent),
  endedAt: at(told.sent + 2),
  outcome: 'published',
  ...(told.kind === undefined
    ? {}
    : {
        about: {
          kind: told.kind,
          type: 't',
          sender: told.from,
          recipient: told.to,
          ...(told.cause === undefined ? {} : { causationId: told.cause }),
        },
      }),
  ...more,
});

const received = (
  told: Told & { readonly kind?: string },
  agentId: string,
  more: Partial<HopRecord> = {},
): HopRecord => ({
  ...sent(told),
  side: 'received',
  agentId,
  consumer: told.to,
  beganAt: at(told.sent + 10),
  endedAt: at(told.sent + 20),
  outcome: 'completed',
  ...more,
});

describe('a trace is assembled', () => {
  const first: Told = { id: 'm1', from: 'a', to: 'role.b', sent: 0 };
  const second: Told = { id: 'm2', from: 'b', to: 'role.c', sent: 15, cause: 'm1' };

  it('of what the store has and what was recorded, with each time of each hop', () => {
    const records = [sent(first), received(first, 'b'), sent(second), received(second, 'c')];
    const trace = of([durable(first, {}), durable(second, { agentId: 'c' })], records);
    expect(trace).toMatchObject({ path: ['a', 'b', 'c'], complete: true, recorded: true, truncated: false });
    expect(trace).toMatchObject({ startedAt: at(0), endedAt: at(35) });
    const times = { sentAt: at(0), storedAt: at(1), publishedAt: at(2), receivedAt: at(10), handledAt: at(20) };
    const attempts = [{ attempt: 1, agent: 'b', receivedAt: at(10), handledAt: at(20), outcome: 'completed' }];
    expect(trace.hops[0]).toMatchObject({ kind: 'send', from: 'a', to: 'role.b', ...times, attempts });
  });

  it('of an attempt that failed and one that did not, whatever of it was recorded', () => {
    const error = { ...failure, message: 'no', retryable: true };
    const history = [{ attempt: 1, at: at(20), agentId: 'b', error }];
    const stored = [durable(first, { attempt: 2, agentId: 'b2', finishedAt: at(90), history })];
    const records = [
      received(first, 'b', { outcome: 'retrying' }),
      received(first, 'b2', { attempt: 2, beganAt: at(80) }),
    ];
    for (const [some, timed] of [
      [records, true],
      [[], false],
    ] as const) {
      const { hops, path } = of(stored, some);
      expect(path).toEqual(['a', 'b', 'b2']);
      expect(hops[0]).toMatchObject({ outcome: 'completed', receivedAt: at(10), handledAt: at(90) });
      expect(hops[0]?.attempts).toMatchObject([
        { attempt: 1, agent: 'b', outcome: 'failed', error: failure, handledAt: at(20) },
        { attempt: 2, agent: 'b2', outcome: 'completed' },
      ]);
      expect(hops[0]?.attempts[1]?.receivedAt).toEqual(timed ? at(80) : undefined);
      expect(hops[0]).not.toHaveProperty('error');
    }
  });

  it('of what was received before the confirm of its publication was back: it was published by then', () => {
    const [early] = of([durable(first, {})], [{ ...sent(first), endedAt: at(15) }, received(first, 'b')]).hops;
    expect(early).toMatchObject({ publishedAt: at(10), receivedAt: at(10), handledAt: at(20) });
  });

  it('of a request, which is over once its asker has an answer or an error', () => {
    const request = { id: 'q', from: 'a', to: 'role.b', sent: 0, kind: 'request' };
    const reply = { id: 'r', from: 'b', to: 'agent.a', sent: 20, cause: 'q', kind: 'reply' };
    const asked = [sent(request), received(request, 'b')];
    expect(of([], asked)).toMatchObject({ complete: false, hops: [{ outcome: 'completed' }] });
    const answered = of([], [...asked, received(reply, 'a')]);
    expect(answered).toMatchObject({ complete: true, path: ['a', 'b'] });
    expect(answered.hops.map(({ kind }) => kind)).toEqual(['request', 'reply']);
    const error = { name: 'RequestTimeoutError', code: 'REQUEST_TIMEOUT' };
    const timedOut = of([], [sent(request), sent(request, { outcome: 'failed', error })]);
    expect(timedOut).toMatchObject({ complete: true, hops: [{ publishedAt: at(2), outcome: 'failed', error }] });
  });

  it('of a broadcast: a hop for each agent that had it', () => {
    const news = { id: 'n', from: 'a', to: 'broadcast', sent: 0, kind: 'broadcast' };
    const at2 = received(news, 'c', { consumer: 'agent.c', outcome: 'failed', error: failure });
    const { hops, path } = of([], [sent(news), received(news, 'b', { consumer: 'agent.b' }), at2]);
    expect(path).toEqual(['a', 'b', 'c']);
    expect(hops).toMatchObject([
      { consumer: 'agent.b', outcome: 'completed' },
      { consumer: 'agent.c', outcome: 'failed', error: failure },
    ]);
    expect(of([], [sent(news)])).toMatchObject({ complete: true, hops: [{ outcome: 'published' }] });
  });

  it('of what is not published, and why', () => {
    const error = { name: 'NoRecipientError', code: 'NO_RECIPIENT' };
    const pending = {
      ...durable(first, { state: 'pending', attempt: 0, agentId: null, receivedAt: null, finishedAt: null }),
    };
    const waiting = of([{ ...pending, published: false }], [sent(first, { outcome: 'failed', error })]);
    expect(waiting).toMatchObject({ complete: false, hops: [{ outcome: 'waiting', error, attempts: [] }] });
  });

  it('with causes before what they caused, though the clock of another agent is behind', () => {
    const early = { ...second, sent: -50 };
    const { hops, path } = of([durable(early, { agentId: 'c' }), durable(first, {})], []);
    expect(hops.map(({ messageId }) => messageId)).toEqual(['m1', 'm2']);
    expect(path).toEqual(['a', 'b', 'c']);
  });

  it('of causes in any form, a ring included: no hop is lost, none comes twice, no more than the most', () => {
    const ids = fc.integer({ min: 0, max: 12 }).map((n) => `m${n}`);
    const told = fc.record({ id: ids, from: ids, to: fc.constant('role.b'), sent: fc.nat(50), cause: ids });
    fc.assert(
      fc.property(
        fc.uniqueArray(told, { selector: ({ id }) => id, minLength: 1 }),
        fc.integer({ min: 1, max: 15 }),
        (all, most) => {
          const trace = of(
            all.map((each) => durable(each, {})),
            [],
            most,
          );
          const found = trace.hops.map(({ messageId }) => messageId);
          expect(new Set(found).size).toBe(Math.min(all.length, most));
          expect(trace.truncated).toBe(all.length > most);
          expect([...trace.path].sort()).toEqual([...new Set([...all.map(({ from }) => from), 'b'])].sort());
        },
      ),
    );
  });
});
