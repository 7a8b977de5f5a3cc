import { describe, expect, it } from '@jest/globals';
import { AgentMQError } from '../errors.js';
import { shortened } from '../bounds.js';
import { fromWireError, toWireError } from './wire-error.js';

const LONG = 'x'.repeat(20_000_000);
/** In characters of JSON: what one error may cost each place that keeps it. */
const MOST = 15_000;

class WordyError extends AgentMQError {
  readonly code = LONG;
  readonly quoted = LONG;
  readonly keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n]));
  readonly items = Array.from({ length: 100_000 }, (_, n) => n);
}

describe('an error as it is kept and sent', () => {
  it.each([
    ['that was thrown', () => toWireError(new WordyError(LONG))],
    ['of a class with a long name', () => toWireError(Object.assign(new Error('x'), { name: LONG }))],
    ['that is no Error', () => toWireError(LONG)],
    ['that a filter threw', () => toWireError({ code: LONG, message: LONG })],
    [
      'that a foreign responder wrote',
      () => fromWireError({ name: LONG, code: LONG, message: LONG, details: { LONG } }).remote,
    ],
    ['whose details are no object', () => fromWireError({ details: LONG }).remote],
    ['that another agent passed on', () => toWireError(fromWireError({ message: LONG, details: { a: [LONG, LONG] } }))],
  ])('%s has no field longer than is worth keeping', (_, make) => {
    expect(JSON.stringify(make()).length).toBeLessThan(MOST);
  });

  it('keeps the beginning of a long text, and tells how long it was', () => {
    expect(toWireError(new Error(LONG)).message).toMatch(/^x{4000}… \(20000000 characters\)$/);
  });

  it('never cuts a character in half', () => {
    expect(shortened('😀😀', 3)).toBe('😀… (4 characters)');
  });

  it('keeps details that fit as JSON would have them', () => {
    class Told extends AgentMQError {
      readonly code = 'TOLD';
      readonly at = new Date(0);
      readonly nested = { list: [1, undefined, null, 'a'], none: undefined, infinite: Infinity };
    }
    expect(toWireError(new Told('m')).details).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      nested: { list: [1, null, null, 'a'], infinite: null },
    });
  });

  it('survives details that refer to themselves, or throw', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(JSON.stringify(fromWireError({ details: circle }).remote)).toContain('self');
    const trap = {
      get now() {
        throw new Error('no');
      },
    };
    expect(fromWireError({ details: trap }).remote.details).toBeUndefined();
  });
});
