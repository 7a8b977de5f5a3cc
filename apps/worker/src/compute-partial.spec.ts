import { describe, expect, it } from '@jest/globals';
import { contractOf, validatePayload } from 'agentmq/protocol';
import { PartialResult, WorkAssignment, WorkReceipt } from 'agentmq/contracts';
import { computePartial, receiptOf } from './compute-partial.js';

const assignment = Object.assign(new WorkAssignment(), {
  runId: 'run',
  chunk: 3,
  firstLine: 10,
  columns: ['n', 't'],
  delimiter: ';',
  text: '1;a\n2\n3;b\n',
  mergeAt: 'specialist-1',
});

describe('computePartial', () => {
  it('keeps the contract over the wire', () => {
    const partial = computePartial(assignment);
    const received: unknown = JSON.parse(JSON.stringify(partial));
    expect(validatePayload(contractOf(PartialResult), received)).toEqual(partial);
    expect(partial).toMatchObject({ chunk: 3, recount: false, rows: 2, rejected: { count: 1 } });
    expect(partial.columns.map(({ type }) => type)).toEqual(['number', 'text']);
  });

  it('counts only the columns asked for as text in a second pass', () => {
    const partial = computePartial(Object.assign(new WorkAssignment(), assignment, { only: ['n'] }));
    expect(partial).toMatchObject({ recount: true, columns: [{ name: 'n', type: 'text', values: ['1', '3'] }] });
  });
});

describe('receiptOf', () => {
  it('tells rows, rejected rows and the first of these', () => {
    const receipt = receiptOf(computePartial(assignment));
    expect(validatePayload(contractOf(WorkReceipt), receipt)).toEqual({
      chunk: 3,
      rows: 2,
      rejected: 1,
      firstRejected: { line: 11, reason: 'has 1 field where the header has 2' },
    });
  });
});
