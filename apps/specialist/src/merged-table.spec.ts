import { describe, expect, it } from '@jest/globals';
import { AnalysisSummary, type ColumnPart, PartialResult } from 'agentmq/contracts';
import { contractOf, validatePayload } from 'agentmq/protocol';
import { MergedTable } from './merged-table.js';

const numbers = (name: string, ...values: number[]): ColumnPart => {
  const sum = values.reduce((a, b) => a + b, 0);
  const mean = sum / values.length;
  const m2 = values.reduce((a, b) => a + (b - mean) ** 2, 0);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { name, type: 'number', count: values.length, missing: 0, min, max, sum: [sum, 0], m2 };
};
const texts = (name: string, ...values: string[]): ColumnPart => ({
  name,
  type: 'text',
  count: values.length,
  missing: 0,
  values,
  counts: values.map(() => 1),
});
const empty = (name: string, missing: number): ColumnPart => ({ name, type: 'empty', missing });

function partial(columns: ColumnPart[], more: Partial<PartialResult> = {}): PartialResult {
  return Object.assign(new PartialResult(), { rows: 2, columns, rejected: { count: 0, rows: [] }, ...more });
}

function merge(...partials: PartialResult[]): MergedTable {
  const table = new MergedTable();
  for (const each of partials) table.add(each);
  return table;
}

describe('MergedTable', () => {
  it('merges chunks into the summary of all', async () => {
    const table = merge(
      partial([numbers('n', 1, 2), texts('t', 'b', 'a'), empty('e', 2)]),
      partial([numbers('n', 3, 6), texts('t', 'a', 'c'), empty('e', 2)]),
    );
    expect(table.recount()).toEqual([]);
    const summary = await table.summary();
    expect(validatePayload(contractOf(AnalysisSummary), JSON.parse(JSON.stringify(summary)))).toEqual(summary);
    expect(summary).toMatchObject({
      rows: 4,
      columns: [
        { name: 'n', type: 'number', count: 4, mean: 3, min: 1, max: 6 },
        { name: 't', type: 'text', count: 4, distinct: 3, top: [['a', 2], ['b', 1], ['c', 1]] }, // prettier-ignore
        { name: 'e', type: 'text', count: 0, missing: 4, distinct: 0, top: [] },
      ],
    });
  });

  it('has columns that are numbers here and text there counted in a second pass', async () => {
    const rejected = { count: 1, rows: [{ line: 3, reason: 'bad' }] };
    const table = merge(
      partial([numbers('n', 1, 2), numbers('code', 1, 2)], { rejected }),
      partial([numbers('n', 1, 2), texts('code', 'A1', '2')]),
    );
    expect(table.recount()).toEqual(['code']);
    table.add(partial([texts('code', '1', '2')], { rejected }));
    table.add(partial([texts('code', 'A1', '2')]));
    expect(await table.summary()).toMatchObject({
      rows: 4,
      rejected,
      columns: [
        { name: 'n', type: 'number', count: 4 },
        { name: 'code', type: 'text', count: 4, distinct: 3, top: [['2', 2], ['1', 1], ['A1', 1]] }, // prettier-ignore
      ],
    });
  });

  it('does not take blanks for text: chunks without a value leave a column of numbers alone', async () => {
    const table = merge(partial([empty('n', 2)]), partial([numbers('n', 1, 2)]), partial([empty('n', 2)]));
    expect(table.recount()).toEqual([]);
    expect((await table.summary()).columns).toMatchObject([{ type: 'number', count: 2, missing: 4 }]);
  });

  it('tells very long values by their beginning', async () => {
    const table = merge(partial([texts('t', `${'x'.repeat(999)}😀${'y'.repeat(100_000)}`, 'z'.repeat(1000))]));
    expect((await table.summary()).columns).toMatchObject([
      { distinct: 2, top: [[`${'x'.repeat(999)}…`, 1], ['z'.repeat(1000), 1]] }, // prettier-ignore
    ]);
  });

  it('lists the first hundred rejected rows, and counts all', async () => {
    const rejected = (from: number) => ({
      count: 70,
      rows: Array.from({ length: 70 }, (_, i) => ({ line: from + i, reason: 'bad' })),
    });
    const table = merge(
      partial([numbers('n', 1)], { rejected: rejected(1) }),
      partial([numbers('n', 1)], { rejected: rejected(1000) }),
      partial([numbers('n', 1)], { rejected: rejected(2000) }),
    );
    const { count, rows } = (await table.summary()).rejected;
    expect(count).toBe(210);
    expect(rows.map(({ line }) => line)).toEqual([
      ...Array.from({ length: 70 }, (_, i) => 1 + i),
      ...Array.from({ length: 30 }, (_, i) => 1000 + i),
    ]);
  });

  it('bounds what the text values take in memory, those of both passes together', () => {
    const limit = 150_000;
    const table = new MergedTable(limit);
    const large = texts('t', 'y'.repeat(60_000));
    table.add(partial([large, numbers('m', 1)]));
    table.add(partial([large, texts('m', 'x')]));
    table.recount();
    const second = (): void => table.add(partial([texts('m', 'z'.repeat(100_000))]));
    expect(second).toThrow(`the text columns hold more than ${limit} bytes of different values`);
  });

  it('refuses chunks with other columns', () => {
    const table = merge(partial([numbers('a', 1)]));
    expect(() => table.add(partial([numbers('b', 1)]))).toThrow('a chunk has other columns than the first: b');
    expect(() => table.add(partial([numbers('a', 1), numbers('b', 1)]))).toThrow('a, b');
  });
});
