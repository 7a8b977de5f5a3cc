import { describe, expect, it } from '@jest/globals';
import { contractOf, validatePayload } from 'agentmq/protocol';
import { ParseChunk, PartialResult } from 'agentmq/contracts';
import { computePartial } from './compute-partial.js';

const chunk = Object.assign(new ParseChunk(), {
  firstLine: 10,
  columns: ['n', 't'],
  delimiter: ';',
  text: '1;a\n2\n3;b\n',
});

describe('computePartial', () => {
  it('keeps the contract over the wire', () => {
    const partial = computePartial(chunk);
    const received: unknown = JSON.parse(JSON.stringify(partial));
    expect(validatePayload(contractOf(PartialResult), received)).toEqual(partial);
    expect(partial).toMatchObject({
      rows: 2,
      rejected: { count: 1, rows: [{ line: 11, reason: 'has 1 field where the header has 2' }] },
    });
    expect(partial.columns.map(({ type }) => type)).toEqual(['number', 'text']);
  });

  it('counts only the columns asked for, and as text', () => {
    const partial = computePartial({ ...chunk, only: ['n'] });
    expect(partial).toMatchObject({ rows: 2, columns: [{ name: 'n', type: 'text', values: ['1', '3'] }] });
  });
});
