import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  checkTopic,
  checkTopicPattern,
  formatRecipient,
  toAgent,
  toEveryone,
  topicMatches,
  toRole,
  toTopic,
} from './recipient.js';

const word = fc.stringMatching(/^[a-z0-9_]{1,6}$/);
const topic = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join('.'));
const pattern = fc
  .array(fc.oneof(word, fc.constant('*'), fc.constant('#')), { minLength: 1, maxLength: 6 })
  .map((words) => words.join('.'));

/** The rule once more, as a regular expression. */
function reference(patternText: string, topicText: string): boolean {
  const parts = patternText
    .split('.')
    .map((part) => (part === '#' ? '(?:\\.[^.]+)*' : part === '*' ? '\\.[^.]+' : `\\.${part}`));
  return new RegExp(`^${parts.join('')}$`).test(`.${topicText}`);
}

describe('topicMatches', () => {
  it.each([
    ['market.*', 'market.AAPL', true],
    ['market.*', 'market', false],
    ['market.*', 'market.us.AAPL', false],
    ['market.#', 'market', true],
    ['market.#', 'market.us.AAPL', true],
    ['#.AAPL', 'market.us.AAPL', true],
    ['#', 'anything.at.all', true],
    ['a.#.b.*', 'a.x.y.b.c', true],
    ['a.#.b.*', 'a.x.y.c', false],
  ])('%s and %s: %s', (patternText, topicText, matches) => {
    expect(topicMatches(patternText, topicText)).toBe(matches);
  });

  it('agrees with the rule as a regular expression', () => {
    fc.assert(
      fc.property(pattern, topic, (p, t) => topicMatches(p, t) === reference(p, t)),
      { numRuns: 2_000 },
    );
  });
});

describe('a pattern of many "#"', () => {
  it('takes no longer than its words and those of the topic need', () => {
    const start = performance.now();
    expect(topicMatches(`${'#.a.'.repeat(30)}b`, Array.from({ length: 120 }, () => 'a').join('.'))).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('names', () => {
  it('accepts what the wire allows', () => {
    expect(
      [toRole('worker'), toAgent('worker-1.eu'), toTopic('market_data.AAPL'), toEveryone].map(formatRecipient),
    ).toEqual(['role.worker', 'agent.worker-1.eu', 'topic:market_data.AAPL', 'broadcast']);
  });

  it.each(['', 'a b', '.a', 'a'.repeat(129), 'ä', 'a/b'])('refuses the role %j, naming the field', (name) => {
    expect(() => toRole(name)).toThrow(/^role: /);
  });

  it.each(['', 'a..b', '.a', 'a.', 'a.*', 'a.#', 'a b', 'x'.repeat(256)])('refuses the topic %j', (name) => {
    expect(() => checkTopic(name)).toThrow(/^topic: /);
  });

  it.each(['', 'a..b', 'a*', 'b.#c', 'a b'])('refuses the pattern %j', (name) => {
    expect(() => checkTopicPattern(name)).toThrow(/^pattern: /);
  });
});
