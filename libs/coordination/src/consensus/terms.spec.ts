import { describe, expect, it } from '@jest/globals';
import { InvalidProposalError } from './errors.js';
import type { Motion, VotingOptions } from './proposal.js';
import { proposalDraftOf } from './terms.js';

const MOTION: Motion = { subject: 'deploy' };
const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

describe('a draft', () => {
  it('has a rule, a weight for each elector and a time-out', () => {
    expect(proposalDraftOf(MOTION, ['a', 'b'], {}, 60_000)).toEqual({
      subject: 'deploy',
      content: null,
      rule: 'majority',
      electorate: [
        { id: 'a', weight: 1 },
        { id: 'b', weight: 1 },
      ],
      timeout: 60_000,
    });
  });

  it.each<[string, string, Partial<Motion>, readonly string[], Partial<VotingOptions>]>([
    ['subject', 'an empty one', { subject: '' }, ['a'], {}],
    ['subject', 'one with NUL', { subject: 'a\0b' }, ['a'], {}],
    ['content', 'an array', { content: [1] }, ['a'], {}],
    ['content', 'a cycle', { content: cycle }, ['a'], {}],
    ['content', 'a date', { content: new Date(0) }, ['a'], {}],
    ['electorate', 'nobody', {}, [], {}],
    ['electorate', 'one twice', {}, ['a', 'b', 'a'], {}],
    ['electorate', 'no agent id', {}, ['a b'], {}],
    ['electorate', 'too many', {}, Array.from({ length: 1_001 }, (_, n) => `a${n}`), {}],
    ['rule', 'an unknown one', {}, ['a'], { rule: 'dictator' as never }],
    ['quorum', 'above 1', {}, ['a'], { quorum: 1.01 }],
    ['quorum', 'below 0', {}, ['a'], { quorum: -0.1 }],
    ['quorum', 'no number', {}, ['a'], { quorum: Number.NaN }],
    ['quorum', 'text', {}, ['a'], { quorum: '0.5' as never }],
    ['weights', 'none for weighted', {}, ['a'], { rule: 'weighted', weights: null as never }],
    ['timeout', 'none', {}, ['a'], { timeout: 0 }],
    ['timeout', 'a fraction', {}, ['a'], { timeout: 1.5 }],
    ['timeout', 'too long', {}, ['a'], { timeout: 2_592_000_001 }],
    ['weights', 'missing', {}, ['a'], { rule: 'weighted' }],
    ['weights', 'for another rule', {}, ['a'], { weights: { a: 1 } }],
    ['weights', 'one missing', {}, ['a', 'b'], { rule: 'weighted', weights: { a: 1 } }],
    ['weights', 'inherited by every object', {}, ['toString'], { rule: 'weighted', weights: {} }],
    ['weights', 'of a stranger', {}, ['a'], { rule: 'weighted', weights: { a: 1, x: 1 } }],
    ['weights', 'below 0', {}, ['a', 'b'], { rule: 'weighted', weights: { a: 1, b: -1 } }],
    ['weights', 'a fraction', {}, ['a'], { rule: 'weighted', weights: { a: 0.5 } }],
    ['weights', 'all 0', {}, ['a'], { rule: 'weighted', weights: { a: 0 } }],
  ])('names the field %s: %s', (field, _, motion, electors, options) => {
    const draft = () => proposalDraftOf({ ...MOTION, ...motion }, electors, options, 60_000);
    expect(draft).toThrow(InvalidProposalError);
    expect(draft).toThrow(expect.objectContaining({ field }));
  });
});
