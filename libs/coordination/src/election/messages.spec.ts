import { describe, expect, it } from '@jest/globals';
import { contractOf, ContractViolationError, validatePayload } from 'agentmq/protocol';
import { ElectionMessage } from './messages.js';

const check = (fields: object): unknown =>
  validatePayload(contractOf(ElectionMessage), { group: 'g', from: 'a', incarnation: 1, term: 1, ...fields });

describe('an election message', () => {
  it.each([
    { kind: 'pre_vote_request' },
    { kind: 'pre_vote_answer', granted: false },
    { kind: 'vote_request', transfer: true },
    { kind: 'vote_answer', granted: true },
    { kind: 'leading', round: 12.5 },
    { kind: 'following', round: 12.5, term: 0 },
    { kind: 'time_out_now' },
  ])('of kind $kind is accepted', (fields) => {
    expect(check(fields)).toMatchObject(fields);
  });

  it.each([
    ['an unknown kind', { kind: 'coup' }],
    ['no term', { kind: 'time_out_now', term: undefined }],
    ['a term that is no whole number', { kind: 'time_out_now', term: 1.5 }],
    ['a term beyond all that is reached', { kind: 'time_out_now', term: 1e16 }],
    ['an answer that says neither yes nor no', { kind: 'vote_answer' }],
    ['a request that does not say on whose word', { kind: 'vote_request' }],
    ['no round', { kind: 'leading' }],
    ['an infinite round', { kind: 'following', round: Infinity }],
    ['no sender', { kind: 'time_out_now', from: '' }],
    ['a long group', { kind: 'time_out_now', group: 'g'.repeat(101) }],
  ])('with %s is refused', (_, fields) => {
    expect(() => check(fields)).toThrow(ContractViolationError);
  });
});
