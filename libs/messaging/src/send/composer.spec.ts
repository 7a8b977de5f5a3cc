import { describe, expect, it } from '@jest/globals';
import { Contract, contractOf, toRole, traceFor } from 'agentmq/protocol';
import { Composer } from './composer.js';

@Contract({ type: 'composed' })
class Composed {}

const composer = new Composer({ agentId: 'a', defaultTtlMs: 1_000, maxMessageBytes: 1_000 }, () => new Date());
const composed = { trace: traceFor('a'), durable: true };

describe('what is sent', () => {
  it('is refused, the header named, when AMQP can’t carry it', () => {
    const compose = (headers: Record<string, unknown>) => () =>
      composer.compose(toRole('r'), contractOf(Composed), new Composed(), { headers }, composed);
    expect(compose({ h: Infinity })).toThrow(
      expect.objectContaining({ code: 'INVALID_MESSAGE', field: 'headers.h', retryable: false }),
    );
    expect(compose({ deep: { list: [1, 10n] } })).toThrow(expect.objectContaining({ field: 'headers.deep.list.1' }));
    expect(compose({ fine: [1, null, 'x'] })).not.toThrow();
  });
});
