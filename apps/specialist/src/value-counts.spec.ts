import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { topValues } from './top-values.js';
import { byCountThenValue, ValueCounts } from './value-counts.js';

describe('ValueCounts', () => {
  it('counts as a Map does, in the order of first sight', () => {
    const value = fc.oneof(fc.string({ maxLength: 3 }), fc.string({ unit: 'grapheme', maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.nat(9)), { maxLength: 300 }), (pairs) => {
        const counts = new ValueCounts();
        const map = new Map<string, number>();
        counts.add({ values: pairs.map(([value]) => value), counts: pairs.map(([, count]) => count) });
        for (const [value, count] of pairs) map.set(value, (map.get(value) ?? 0) + count);
        expect([...counts]).toEqual([...map]);
        expect(counts.size).toBe(map.size);
      }),
    );
  });

  it('grows, and holds values that are longer than its blocks', () => {
    const counts = new ValueCounts();
    const long = 'é'.repeat(2_000_000);
    const values = Array.from({ length: 50_000 }, (_, i) => `value ${i % 40_000}`);
    counts.add({ values: ['', long, ...values, long], counts: [3, 1, ...values.map(() => 1), 1] });
    const found = [...counts];
    expect(found).toHaveLength(40_002);
    expect(found[0]).toEqual(['', 3]);
    expect(found[1]?.[0] === long && found[1][1]).toBe(2);
    expect(found[2]).toEqual(['value 0', 2]);
    expect(found.at(-1)).toEqual(['value 39999', 1]);
  });

  it('takes little memory beyond the values themselves', () => {
    const counts = new ValueCounts();
    const values = Array.from({ length: 100_000 }, (_, i) => `customer_${i}`);
    counts.add({ values, counts: values.map(() => 1) });
    expect(counts.bytes / counts.size).toBeLessThan(70);
  });
});

describe('topValues', () => {
  it('is the beginning of all values sorted by count, then by value', async () => {
    const pairs = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 4 }), fc.nat(5)), { selector: ([value]) => value });
    await fc.assert(
      fc.asyncProperty(pairs, fc.integer({ min: 1, max: 8 }), async (pairs, limit) => {
        expect(await topValues(pairs, limit)).toEqual(pairs.toSorted(byCountThenValue).slice(0, limit));
      }),
    );
  });

  it('orders equal counts by code units', async () => {
    const pairs = ['b', 'B', 'é', 'a', '😀', '\uFFFD'].map((value) => [value, 1] as const);
    expect((await topValues(pairs, 10)).map(([value]) => value)).toEqual(['B', 'a', 'b', 'é', '😀', '\uFFFD']);
  });
});
