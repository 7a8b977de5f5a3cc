import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Contract, contractOf, InvalidMessageError } from 'agentmq/protocol';
import { Handle, Subscribe } from './decorators.js';
import { HandlerOptionsConflictError } from './errors.js';
import { checkAgreement, type DeclaredHandler, type HandlerOptions } from './handler-options.js';

@Contract({ type: 'order', retry: { attempts: 3 } })
class Order {}

@Contract({ type: 'tick' })
class Tick {}

const on = (
  topic: string,
  options: HandlerOptions & Pick<DeclaredHandler, 'scope'> = {},
  payload = Order,
): DeclaredHandler => ({
  pattern: topic,
  topic,
  contract: contractOf(payload),
  roles: ['worker'],
  scope: 'role',
  ...options,
});

describe('the options of @Handle and @Subscribe', () => {
  it.each<[string, HandlerOptions]>([
    ['retry.attempts', { retry: { attempts: 0 } }],
    ['retry.delay', { retry: { delay: -5 } }],
    ['retry.factor', { retry: { factor: 0 } }],
    ['retry.maxDelay', { retry: { maxDelay: NaN } }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: 1_700_001 }],
    ['timeout', { timeout: 1.5 }],
  ])('%s out of range is refused at load, and named: %j', (field, options) => {
    for (const declare of [() => Handle(Order, options), () => Subscribe('orders.*', Order, options)]) {
      expect(declare).toThrow(InvalidMessageError);
      expect(declare).toThrow(expect.objectContaining({ field }));
    }
  });

  it('in range are taken', () => {
    const options = { retry: { attempts: 100, delay: 0, factor: 1.5 }, timeout: 1_700_000, transactional: true };
    expect(() => Handle(Order, options)).not.toThrow();
    expect(() => Subscribe('#', Order, { ...options, scope: 'instance' })).not.toThrow();
  });
});

describe('handlers that can get the same message', () => {
  it.each([
    ['orders.new', 'orders.new'],
    ['orders.*', 'orders.new'],
    ['orders.#', 'orders'],
    ['#', 'orders.new.eu'],
    ['*.new', 'orders.*'],
    ['#.eu', 'orders.#'],
    ['a.#.b.*', 'a.b.#'],
  ])('must agree: %s and %s', (one, other) => {
    for (const [a, b] of [
      [one, other],
      [other, one],
    ] as const) {
      const conflict = expect.objectContaining({ code: 'HANDLER_OPTIONS_CONFLICT', option: 'timeout' });
      expect(() => checkAgreement([on(a, { timeout: 5 }), on(b)])).toThrow(conflict);
      expect(() => checkAgreement([on(a, { timeout: 5 }), on(b, { timeout: 5 })])).not.toThrow();
    }
  });

  it.each([
    ['orders.new', 'orders.old'],
    ['orders.*', 'orders'],
    ['orders.*', 'orders.new.eu'],
    ['orders.#', 'ticks.#'],
    ['#.eu', 'orders.*.us'],
  ])('may differ where none is for both: %s and %s', (one, other) => {
    expect(() => checkAgreement([on(one, { timeout: 5 }), on(other)])).not.toThrow();
  });

  it('may differ where contract or scope do', () => {
    expect(() => checkAgreement([on('#', { timeout: 5 }), on('#', {}, Tick)])).not.toThrow();
    expect(() => checkAgreement([on('#', { timeout: 5 }), on('#', { scope: 'instance' })])).not.toThrow();
  });

  it('differ by what they mean, not by how it is said', () => {
    const plain = on('#');
    expect(() => checkAgreement([plain, on('#', { transactional: false, retry: { attempts: 3 } })])).not.toThrow();
    expect(() => checkAgreement([plain, on('#', { transactional: true })])).toThrow(HandlerOptionsConflictError);
    expect(() => checkAgreement([plain, on('#', { retry: { attempts: 4 } })])).toThrow(
      expect.objectContaining({ option: 'retry.attempts' }),
    );
  });
});
