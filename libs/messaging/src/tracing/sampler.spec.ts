import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Sampler, type SamplerOptions } from './sampler.js';

/** Which of the traces that begin at these moments (in ms) are recorded. */
function sampled(options: SamplerOptions, moments: readonly number[], random?: () => number): boolean[] {
  let now = 0;
  const sampler = new Sampler(options, () => now, random);
  return moments.map((at) => {
    now = at;
    return sampler.sample();
  });
}

const moments = fc
  .array(fc.double({ min: 0, max: 5_000, noNaN: true }), { maxLength: 200 })
  .map((all) => all.sort((a, b) => a - b));
const rates = fc.double({ min: 0.1, max: 50, noNaN: true });

describe('Sampler', () => {
  it('records no more than the rate allows in any time, beside what one second holds', () => {
    fc.assert(
      fc.property(rates, moments, (rate, all) => {
        const kept = all.filter((_, index) => sampled({ rate, ratio: 0 }, all)[index]);
        kept.forEach((from, first) =>
          kept.slice(first).forEach((to, more) => {
            expect(more + 1).toBeLessThanOrEqual(Math.max(1, rate) + ((to - from) / 1_000) * rate + 0.001);
          }),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('records all that come no quicker than the rate', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 100 }), (rate, count) => {
        const all = Array.from({ length: count }, (_, index) => index * (1_000 / rate) * 1.001);
        expect(
          sampled(
            { rate, ratio: 0 },
            all.map((at) => at + 1_000 / rate),
          ),
        ).toEqual(all.map(() => true));
      }),
    );
  });

  it('records the given share of what is beyond', () => {
    let drawn = 0;
    const tenths = (): number => (drawn++ % 10) / 10;
    const at = Array.from({ length: 110 }, () => 0);
    expect(sampled({ rate: 10, ratio: 0.3 }, at, tenths).filter(Boolean)).toHaveLength(10 + 30);
  });

  it('records nothing of a rate and a ratio of 0, and everything of a ratio of 1', () => {
    fc.assert(
      fc.property(moments, (all) => {
        expect(sampled({ rate: 0, ratio: 0 }, all)).toEqual(all.map(() => false));
        expect(sampled({ rate: 0, ratio: 1 }, all)).toEqual(all.map(() => true));
      }),
    );
  });
});
