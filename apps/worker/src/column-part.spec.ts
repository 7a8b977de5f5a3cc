import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { exactMoments } from '../../../test/support/exact-moments.js';
import { columnPart, decimalOf } from './column-part.js';

const part = (values: string[], asText = false) =>
  columnPart(
    'x',
    values.map((value) => [value]),
    0,
    asText,
  );

/** Not so small that its square underflows: no double could hold the moments then. */
const unitNoise = fc.double({ min: -1, max: 1, noNaN: true }).map((x) => (Math.abs(x) < 1e-100 ? 0 : x));

describe('decimalOf', () => {
  it.each([
    ['1', 1],
    [' -1.5 ', -1.5],
    ['+.5e3', 500],
    ['5.', 5],
    ['1E-2', 0.01],
    ['007', 7],
  ])('reads %j', (text, value) => {
    expect(decimalOf(text)).toBe(value);
  });

  it.each(['', ' ', '.', 'e5', '0x10', '1,000', '1 000', 'NaN', 'Infinity', '1e999', '1e', '--1', '1-', '1_0', '٣'])(
    'does not take %j for a number',
    (text) => {
      expect(decimalOf(text)).toBeUndefined();
    },
  );
});

describe('columnPart', () => {
  it('is of numbers when every present value is one', () => {
    expect(part([' 1', '', '2', ' ', '3.0'])).toEqual({
      name: 'x',
      type: 'number',
      count: 3,
      missing: 2,
      min: 1,
      max: 3,
      sum: [6, 0],
      m2: 2,
    });
  });

  it('is of text as it is written when one is not, or when told to', () => {
    expect(part(['1', 'x', ' 1', '1', ''])).toEqual({
      name: 'x',
      type: 'text',
      count: 4,
      missing: 1,
      values: ['1', 'x', ' 1'],
      counts: [2, 1, 1],
    });
    expect(part(['1', '1.0'], true)).toMatchObject({ type: 'text', values: ['1', '1.0'] });
  });

  it('says nothing of a column without values', () => {
    expect(part(['', '  '])).toEqual({ name: 'x', type: 'empty', missing: 2 });
    expect(part([], true)).toEqual({ name: 'x', type: 'empty', missing: 0 });
  });

  it('can go over the wire: no infinity, no -0', () => {
    const large = part(['1e308', '1e308', '-1e308']);
    expect(JSON.parse(JSON.stringify(large))).toEqual(large);
    expect(large).toMatchObject({ min: -1e308, max: 1e308, m2: null });
    expect(part(['-0'])).toMatchObject({ min: 0, max: 0, sum: [0, 0] });
  });

  it('has the exact moments to 9 digits, of large values with little spread too', () => {
    const offset = fc.constantFrom(0, 1, 1e9, -1e12);
    const noise = fc.array(unitNoise, { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(offset, noise, fc.constantFrom(1, 1e-3, 1e6), (offset, noise, scale) => {
        const values = noise.map((x) => offset + x * scale);
        const exact = exactMoments(values);
        const found = part(values.map(String));
        if (found.type !== 'number' || !found.sum) throw new Error('not of numbers');
        expect(Math.abs(found.sum[0] - exact.sum)).toBeLessThanOrEqual(1e-15 * Math.abs(exact.sum));
        expect(Math.abs((found.m2 ?? NaN) - exact.m2)).toBeLessThanOrEqual(1e-10 * exact.m2);
      }),
      { numRuns: 500 },
    );
  });
});
