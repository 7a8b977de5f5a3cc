import { describe, expect, it } from '@jest/globals';
import { account, type Evidence, type LedgerRow, violationsOf } from './accounting.js';

const CONSUMER = 'role.counter';

const row = (n: number, changes: Partial<LedgerRow> = {}): LedgerRow => ({
  messageId: `m${n}`,
  n,
  transactional: n % 2 === 0,
  consumer: CONSUMER,
  state: 'completed',
  ...changes,
});

/** Two numbers of which all is well, with changes. */
const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  offered: new Set([1, 2]),
  accepted: new Set([1, 2]),
  rows: [row(1), row(2)],
  plainEffects: new Map([[1, 1]]),
  transactionalEffects: new Map([[2, 1]]),
  completions: new Map([
    ['m1', 1],
    ['m2', 1],
  ]),
  consumer: CONSUMER,
  ...changes,
});

const found = (changes: Partial<Evidence>): string[] => violationsOf(account(evidence(changes)));

describe('accounting for numbers', () => {
  it('finds nothing where every number is completed once with its effect', () => {
    const all = account(evidence());
    expect(all).toMatchObject({ accepted: 2, stored: 2, completed: 2, dead: 0, duplicates: 0 });
    expect(violationsOf(all)).toEqual([]);
  });

  it('finds what is lost: accepted and not stored, without delivery, open, or completed without effect', () => {
    expect(found({ rows: [row(2)], plainEffects: new Map() })).toEqual(['1 lost: 1']);
    expect(found({ rows: [row(1, { consumer: null, state: null }), row(2)] })).toEqual(['1 lost: 1']);
    expect(found({ rows: [row(1, { state: 'processing' }), row(2)] })).toEqual(['1 lost: 1']);
    expect(found({ plainEffects: new Map() })).toEqual(['1 lost: 1']);
  });

  it('takes a number that was in doubt when its sender died as lost only if it was stored', () => {
    const accepted = new Set([2]);
    expect(found({ accepted, rows: [row(2)], plainEffects: new Map() })).toEqual([]);
    expect(found({ accepted, rows: [row(1, { state: 'pending' }), row(2)] })).toEqual(['1 lost: 1']);
  });

  it('finds what nobody sent, what is stored twice, and what went to somebody else', () => {
    expect(
      found({
        rows: [row(1), row(2), row(3)],
        plainEffects: new Map([
          [1, 1],
          [3, 1],
        ]),
      }),
    ).toEqual(['1 unexpected: 3']);
    expect(
      found({
        plainEffects: new Map([
          [1, 1],
          [5, 1],
        ]),
      }),
    ).toEqual(['1 unexpected: 5']);
    expect(found({ rows: [row(1), row(1, { messageId: 'other' }), row(2)] })).toEqual(['1 unexpected: 1']);
    expect(found({ rows: [row(1, { consumer: 'role.other' }), row(2)] })).toEqual(['1 unexpected: 1']);
  });

  it('finds completions and effects in transactions that are not exactly one', () => {
    expect(found({ completions: new Map([['m1', 2]]) })).toEqual(['1 completed twice: 1']);
    const inexact = '1 effects in a transaction not exactly once: 2';
    expect(found({ transactionalEffects: new Map([[2, 2]]) })).toEqual([inexact]);
    expect(found({ rows: [row(1), row(2, { state: 'dead' })] })).toEqual([inexact, '1 dead, not 0']);
  });

  it('counts repeated plain effects, and forbids them where a fault must not cause any', () => {
    const repeated = account(evidence({ plainEffects: new Map([[1, 3]]) }));
    expect(repeated.duplicates).toBe(2);
    expect(violationsOf(repeated)).toEqual([]);
    expect(violationsOf(repeated, { duplicates: 0 })).toEqual(['2 effects outside of transactions repeated, not 0']);
  });
});
