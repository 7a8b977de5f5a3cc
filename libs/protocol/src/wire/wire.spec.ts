import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Message } from '../envelope/envelope.js';
import { toRole, toTopic } from '../envelope/recipient.js';
import { fromWire, HEADER, toWire, type WireProperties } from './wire.js';

const now = new Date('2026-01-02T03:04:05.678Z');
const whole: Message = {
  messageId: '018f-1',
  sender: 'worker-1',
  recipient: toRole('pricing'),
  correlationId: 'c-1',
  timestamp: now,
  type: 'quote_request',
  version: 2,
  priority: 9,
  ttl: 60_000,
  expiresAt: new Date(now.getTime() + 60_000),
  causationId: '018f-0',
  trace: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'x=1' },
  transient: true,
  attempt: 3,
  body: Buffer.from('{"a":1}'),
  contentType: 'application/json',
  headers: { 'x-team': 'blue' },
};

describe('the wire', () => {
  it('carries every field there and back', () => {
    const { message, problems } = fromWire(whole.recipient, toWire(whole, now), { now });
    expect(problems).toEqual([]);
    expect(message).toEqual(whole);
  });

  it('takes the least that a foreign producer sends', () => {
    const bare = { properties: { type: 'tick', headers: {} }, body: Buffer.from('{}') };
    const { message, problems } = fromWire(toTopic('a.b'), bare, { now });
    expect(problems).toEqual([]);
    expect(message).toMatchObject({
      type: 'tick',
      version: 1,
      priority: 5,
      sender: 'unknown',
      timestamp: now,
      attempt: 1,
    });
    expect(message.messageId).toMatch(/^[0-9a-f-]{36}$/);
    expect(message.transient).toBeUndefined();
  });

  it('keeps a foreign message id as it is', () => {
    const foreign = { properties: { type: 't', messageId: 'order #7/ä', headers: {} }, body: Buffer.from('{}') };
    expect(fromWire(toRole('r'), foreign).message.messageId).toBe('order #7/ä');
  });

  it.each<[string, Partial<WireProperties>]>([
    ['type', { type: '' }],
    ['priority', { priority: 11 }],
    ['content-encoding', { contentEncoding: 'gzip' }],
    [HEADER.version, { headers: { [HEADER.version]: 'two' } }],
    [HEADER.version, { headers: { [HEADER.version]: 0 } }],
    [HEADER.version, { headers: { [HEADER.version]: { odd: [1] } } }],
    [HEADER.expiresAt, { headers: { [HEADER.expiresAt]: 'tomorrow' } }],
  ])('names the field %s when it is wrong, and still gives a message to record', (field, wrong) => {
    const { message, problems } = fromWire(toRole('r'), {
      properties: { type: 't', headers: {}, ...wrong },
      body: Buffer.from('{}'),
    });
    expect(problems.map((problem) => problem.field)).toEqual([field]);
    expect(message.messageId).not.toBe('');
  });

  it('survives anything in properties and headers', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.constantFrom(...Object.values(HEADER)), fc.string()), fc.anything()),
        fc.option(fc.integer(), { nil: undefined }),
        (headers, priority) => {
          const properties = { type: 't', headers, ...(priority === undefined ? {} : { priority }) };
          const { message } = fromWire(toRole('r'), { properties, body: Buffer.alloc(0) });
          expect(message.priority).toBeGreaterThanOrEqual(0);
          expect(message.priority).toBeLessThanOrEqual(10);
          expect(Number.isNaN(message.timestamp.getTime())).toBe(false);
        },
      ),
    );
  });
});
