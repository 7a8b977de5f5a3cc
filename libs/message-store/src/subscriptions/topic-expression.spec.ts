import { describe, expect, it } from '@jest/globals';
import { topicMatches } from 'agentmq/protocol';
import { topicExpression } from './topic-expression.js';
import * as fc from 'fast-check';

const matches = (pattern: string, topic: string): boolean => new RegExp(topicExpression(pattern)).test(`${topic}.`);

describe('topicExpression', () => {
  it.each([
    ['market.*', 'market.AAPL', true],
    ['market.*', 'market', false],
    ['market.#', 'market', true],
    ['#.AAPL', 'market.us.AAPL', true],
    ['#', 'anything.at.all', true],
    ['*', 'one.two', false],
    ['a.b', 'a-b', false],
    ['a+', 'aa', false],
  ])('%s and %s: %s', (pattern, topic, expected) => expect(matches(pattern, topic)).toBe(expected));

  it('matches what topicMatches does (property)', () => {
    const word = fc.oneof(fc.constantFrom('a', 'b', '.', '\\', '^a$', '[b]', ''), fc.string({ maxLength: 3 }));
    const topics = fc.array(word, { maxLength: 5 }).map((words) => words.join('.'));
    const wild = fc.oneof({ weight: 2, arbitrary: word }, fc.constantFrom('*', '#'));
    const patterns = fc.array(wild, { maxLength: 5 }).map((words) => words.join('.'));
    fc.assert(
      fc.property(patterns, topics, (pattern, topic) => matches(pattern, topic) === topicMatches(pattern, topic)),
      { numRuns: 2000 },
    );
  });
});
