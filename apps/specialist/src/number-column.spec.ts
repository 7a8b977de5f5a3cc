import { describe, expect, it } from '@jest/globals';
import type { NumberPart } from 'agentmq/contracts';
import * as fc from 'fast-check';
import { exactMoments } from '../../../test/support/exact-moments.js';
import { NumberColumn } from './number-column.js';

/** A part as a worker would compute it, from an exact reference. */
function partOf(values: readonly number[]): NumberPart {
  const { sum, m2 } = exactMoments(values);
  const rest = exactMoments([...values, -sum]).sum;
  return {
    name: 'x',
    type: 'number',
    count: values.length,
    missing: 0,
    min: Math.min(...values),
    max: Math.max(...values),
    sum: [sum, rest],
    m2,
  };
}

function merge(chunks: readonly (readonly number[])[]) {
  const column = new NumberColumn();
  for (const chunk of chunks) column.add(partOf(chunk));
  return column.summary('x', 0);
}

const within = (found: number | null, exact: number, digits: number): void => {
  expect(Math.abs((found ?? NaN) - exact)).toBeLessThanOrEqual(Math.abs(exact) * 10 ** -digits);
};

/** Not so small that its square underflows: no double could hold the moments then. */
const unitNoise = fc.double({ min: -1, max: 1, noNaN: true }).map((x) => (Math.abs(x) < 1e-100 ? 0 : x));

describe('NumberColumn', () => {
  it('of one value has no standard deviation', () => {
    expect(merge([[5]])).toEqual({
      name: 'x',
      type: 'number',
      count: 1,
      missing: 0,
      min: 5,
      max: 5,
      mean: 5,
      stddev: null,
    });
  });

  it('tells the standard deviation of the sample', () => {
    expect(
      merge([
        [2, 4],
        [4, 4, 5],
        [5, 7, 9],
      ]),
    ).toMatchObject({ mean: 5, min: 2, max: 9 });
    within(
      merge([
        [2, 4],
        [4, 4, 5],
        [5, 7, 9],
      ]).stddev,
      Math.sqrt(32 / 7),
      14,
    );
  });

  it('merged from any chunks equals one pass over all values to 9 digits, however ill-conditioned', () => {
    const noise = fc.array(fc.array(unitNoise, { minLength: 1, maxLength: 20 }), {
      minLength: 1,
      maxLength: 20,
    });
    const offset = fc.constantFrom(0, 1, 1e9, -1e9, 1e12);
    const scale = fc.constantFrom(1e-3, 1, 1e9, 1e60, 1e-60);
    fc.assert(
      fc.property(noise, offset, scale, (chunks, offset, scale) => {
        const values = chunks.map((chunk) => chunk.map((x) => offset + x * scale));
        const all = values.flat();
        const exact = exactMoments(all);
        const merged = merge(values);
        within(merged.mean, exact.mean, 12);
        expect([merged.min, merged.max]).toEqual([Math.min(...all), Math.max(...all)]);
        if (all.length > 1) within(merged.stddev, Math.sqrt(exact.m2 / (all.length - 1)), 9);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps 9 digits over thousands of chunks of 1e9 with a noise of 1e-3', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const chunks = Array.from({ length: 2000 }, () => Array.from({ length: 10 }, () => 1e9 + random() * 1e-3));
    const all = chunks.flat();
    within(merge(chunks).stddev, Math.sqrt(exactMoments(all).m2 / (all.length - 1)), 10);
  });

  it('says that it does not know what a double can not hold', () => {
    const huge = { ...partOf([1, 2]), sum: null, m2: null };
    const column = new NumberColumn();
    column.add(partOf([1, 2]));
    column.add(huge);
    expect(column.summary('x', 0)).toMatchObject({ count: 4, mean: null, stddev: null });
    expect(merge([[1e308], [1e308]])).toMatchObject({ mean: null, max: 1e308 });
  });
});
