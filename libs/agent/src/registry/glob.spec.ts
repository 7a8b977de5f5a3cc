import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { globMatcher } from './glob.js';

const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 });
const glob = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 });

describe('a glob', () => {
  it.each([
    ['nlp_*', 'nlp_sentiment', true],
    ['nlp_*', 'nlp_', true],
    ['nlp_*', 'my_nlp_x', false],
    ['*_quote', 'price_quote', true],
    ['a*a', 'a', false],
    ['*', '', true],
    ['a.b', 'axb', false],
  ])('%s matches %s: %s', (pattern, name, matches) => {
    expect(globMatcher(pattern)(name)).toBe(matches);
  });

  it('matches as the regular expression does that it stands for', () => {
    fc.assert(
      fc.property(glob, text, (pattern, name) => {
        const expression = pattern
          .split('*')
          .map((part) => part.replaceAll('.', '\\.'))
          .join('.*');
        expect(globMatcher(pattern)(name)).toBe(new RegExp(`^${expression}$`).test(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes no longer for many stars', () => {
    expect(globMatcher(`${'a*'.repeat(60)}b`)('a'.repeat(128))).toBe(false);
  });
});
