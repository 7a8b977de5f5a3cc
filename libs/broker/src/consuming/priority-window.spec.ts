import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PriorityWindow } from './priority-window.js';

interface Item {
  readonly arrival: number;
  readonly priority: number;
}

describe('PriorityWindow', () => {
  it('hands out the highest priority first, and what has the same by arrival, however pushes and takes mix', () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constant('take' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const window = new PriorityWindow<Item>();
        let model: Item[] = [];
        for (const [arrival, next] of steps.entries()) {
          if (next === 'take') {
            const [best] = [...model].sort((a, b) => b.priority - a.priority || a.arrival - b.arrival);
            expect(window.take()).toEqual(best);
            model = model.filter((item) => item !== best);
          } else {
            const item = { arrival, priority: next };
            window.push(item, next);
            model.push(item);
          }
          expect(window.size).toBe(model.length);
        }
      }),
    );
  });

  it('keeps the order when some items are dropped', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.boolean())), (items) => {
        const window = new PriorityWindow<Item & { kept: boolean }>();
        const given = items.map(([priority, kept], arrival) => ({ priority, kept, arrival }));
        for (const item of given) window.push(item, item.priority);
        window.filter(({ kept }) => kept);
        const expected = given
          .filter(({ kept }) => kept)
          .sort((a, b) => b.priority - a.priority || a.arrival - b.arrival);
        expect(window.size).toBe(expected.length);
        expect(expected.map(() => window.take())).toEqual(expected);
        expect(window.take()).toBeUndefined();
      }),
    );
  });

  it('takes any number for a priority, and 5 where none is given', () => {
    const window = new PriorityWindow<string>();
    const given: [string, number | undefined][] = [
      ['minus', -3],
      ['none', undefined],
      ['huge', 255],
      ['half', 6.5],
      ['not a number', Number.NaN],
      ['infinite', Infinity],
    ];
    for (const [item, priority] of given) window.push(item, priority);
    expect(given.map(() => window.take())).toEqual(['huge', 'infinite', 'half', 'none', 'minus', 'not a number']);
  });
});
