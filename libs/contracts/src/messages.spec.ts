import { describe, expect, it } from '@jest/globals';
import {
  type ContractDefinition,
  contractOf,
  ContractViolationError,
  type PayloadClass,
  validatePayload,
  type Violation,
} from 'agentmq/protocol';
import { AnalysisSummary, DataAnalysis, ParseChunk, PartialResult } from './analysis.js';
import { NlpRequest, NlpResult } from './nlp.js';
import { TaskRequest, TaskResult } from './tasks.js';

const chunk = { firstLine: 2, columns: ['a', 'b'], delimiter: ',', text: '1,x\n' };
const numberPart = { name: 'a', type: 'number', count: 1, missing: 0, min: 1, max: 1, sum: [1, 0], m2: 0 };
const textPart = { name: 'b', type: 'text', count: 1, missing: 0, values: ['x'], counts: [1] };
const partial = {
  rows: 1,
  columns: [numberPart, textPart, { name: 'c', type: 'empty', missing: 1 }],
  rejected: { count: 1, rows: [{ line: 3, reason: 'has 1 field' }] },
};
const summary = {
  rows: 1,
  columns: [
    { name: 'a', type: 'number', count: 1, missing: 0, min: 1, max: 1, mean: 1, stddev: null },
    { name: 'b', type: 'text', count: 1, missing: 0, distinct: 1, top: [['x', 1]] },
  ],
  keywords: [{ word: 'x', count: 1 }],
  sentiment: { score: 0, positive: 0, neutral: 1, negative: 0 },
  analysed: 1,
  rejected: { count: 0, rows: [] },
};

function violationsOf(payload: PayloadClass, plain: object): readonly Violation[] {
  try {
    validatePayload(contractOf(payload), plain);
    return [];
  } catch (error) {
    if (error instanceof ContractViolationError) return error.violations;
    throw error;
  }
}
const brokenFields = (payload: PayloadClass, plain: object): string[] =>
  violationsOf(payload, plain).map(({ field }) => field);

describe('the contracts of the analysis', () => {
  it.each<[PayloadClass, object]>([
    [DataAnalysis, { csv: 'a\n1\n', name: 'x.csv', strict: true }],
    [DataAnalysis, { file: 'x.csv' }],
    [ParseChunk, chunk],
    [ParseChunk, { ...chunk, only: ['b'] }],
    [PartialResult, partial],
    [AnalysisSummary, summary],
    [AnalysisSummary, { ...summary, sentiment: null }],
    [NlpRequest, { texts: ['good'] }],
    [NlpResult, { keywords: [], sentiment: null, analysed: 0 }],
    [TaskRequest, { task: 'data_analysis', payload: { file: 'x.csv' } }],
    [TaskResult, { taskId: 't', task: 'data_analysis', state: 'completed', result: {} }],
  ])('%p takes what is right', (payload, plain) => {
    expect(violationsOf(payload, plain)).toEqual([]);
  });

  it.each<[PayloadClass, object, string]>([
    [DataAnalysis, { csv: '' }, 'csv'],
    [DataAnalysis, { csv: 1 }, 'csv'],
    [DataAnalysis, { file: 'x.csv', strict: 'yes' }, 'strict'],
    [ParseChunk, { ...chunk, delimiter: ':' }, 'delimiter'],
    [ParseChunk, { ...chunk, columns: [] }, 'columns'],
    [ParseChunk, { ...chunk, columns: ['a', ''] }, 'columns'],
    [ParseChunk, { ...chunk, text: '' }, 'text'],
    [ParseChunk, { ...chunk, firstLine: 0 }, 'firstLine'],
    [ParseChunk, { ...chunk, extra: 1 }, 'extra'],
    [PartialResult, { ...partial, columns: [{ ...numberPart, min: 'x' }] }, 'columns'],
    [PartialResult, { ...partial, columns: [{ ...numberPart, type: 'toString' }] }, 'columns'],
    [PartialResult, { ...partial, columns: [{ ...textPart, counts: [1, 2] }] }, 'columns'],
    [PartialResult, { ...partial, columns: [{ ...textPart, counts: [-1] }] }, 'columns'],
    [PartialResult, { ...partial, rejected: { count: 0 } }, 'rejected'],
    [AnalysisSummary, { ...summary, sentiment: { score: 2, positive: 0, neutral: 0, negative: 0 } }, 'sentiment'],
    [AnalysisSummary, { ...summary, keywords: [{ word: 'x' }] }, 'keywords'],
    [NlpRequest, { texts: [] }, 'texts'],
    [NlpRequest, { texts: [1] }, 'texts'],
    [TaskRequest, { task: '', payload: {} }, 'task'],
    [TaskRequest, { task: 'data_analysis', payload: [] }, 'payload'],
    [TaskResult, { taskId: 't', task: 'data_analysis', state: 'done' }, 'state'],
  ])('%p refuses %j', (payload, plain, field) => {
    expect(brokenFields(payload, plain)).toEqual([field]);
  });

  it('names the element and the field that are wrong', () => {
    const [violation] = violationsOf(PartialResult, {
      ...partial,
      columns: [numberPart, { ...textPart, values: [1] }],
    });
    expect(violation).toEqual({
      field: 'columns',
      rule: 'columnParts',
      message: 'columns element 1 values element 0 must be a string',
    });
  });

  it.each([TaskRequest, TaskResult, DataAnalysis, ParseChunk, NlpRequest])(
    '%p is stored before it is sent',
    (payload: PayloadClass) => {
      const definition: ContractDefinition = contractOf(payload);
      expect(definition.durable).toBe(true);
    },
  );

  it('are checked in little time beside that of writing and reading them, however many values there are', () => {
    const values = Array.from({ length: 26_000 }, (_, i) => `value ${i}`);
    const columns = [{ ...textPart, values, counts: values.map(() => 1) }];
    const large = Object.assign(new PartialResult(), { ...partial, columns });
    const shortest = (work: () => unknown): number =>
      Math.min(
        ...Array.from({ length: 10 }, () => {
          const start = performance.now();
          work();
          return performance.now() - start;
        }),
      );
    const written = shortest(() => JSON.parse(JSON.stringify(large)));
    // a fraction of it with nothing else running; validating each element with nested rules takes some 50 times as long
    expect(shortest(() => validatePayload(contractOf(PartialResult), large)) / written).toBeLessThan(15);
  });
});
