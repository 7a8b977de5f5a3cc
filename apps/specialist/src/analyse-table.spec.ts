import { describe, expect, it } from '@jest/globals';
import {
  type AnalysisProgress,
  type ColumnPart,
  type ParseChunk,
  PartialResult,
  type RejectedRow,
} from 'agentmq/contracts';
import type { Delegation, DelegationOptions } from 'agentmq/coordination';
import { analyseTable, type Table } from './analyse-table.js';

/** Each chunk is one line: a value, or `!` for a row that is rejected. */
const table = (...lines: string[]): Table => ({
  name: 'x.csv',
  // oxlint-disable-next-line typescript/require-await
  async *chunks() {
    for (const [i, text] of lines.entries()) yield { firstLine: i + 2, columns: ['a'], delimiter: ',', text };
  },
});

function parse({ text, firstLine, only }: ParseChunk): PartialResult {
  const listed: RejectedRow[] = text === '!' ? [{ line: firstLine, reason: 'bad' }] : [];
  const number = Number(text);
  const name = 'a';
  const column: ColumnPart =
    text === '!'
      ? { name, type: 'empty', missing: 0 }
      : only || Number.isNaN(number)
        ? { name, type: 'text', count: 1, missing: 0, values: [text], counts: [1] }
        : { name, type: 'number', count: 1, missing: 0, min: number, max: number, sum: [number, 0], m2: 0 };
  return Object.assign(new PartialResult(), {
    rows: 1 - listed.length,
    columns: [column],
    rejected: { count: listed.length, rows: listed },
  });
}

/** Does the work itself, one piece after the other. */
function delegating() {
  const taken: ParseChunk[] = [];
  const delegate: Delegation['delegate'] = async <P extends object>(
    _: unknown,
    pieces: Iterable<P> | AsyncIterable<P>,
    options?: DelegationOptions<P, object>,
  ) => {
    for await (const piece of pieces) {
      const chunk = piece as unknown as ParseChunk;
      taken.push(chunk);
      await options?.each?.({ key: chunk.text, taskId: chunk.text, state: 'completed', result: parse(chunk) });
    }
    return { results: [], unfinished: [], parts: [], complete: true };
  };
  return { taken, delegation: { delegate } as unknown as Delegation };
}

describe('analyseTable', () => {
  it('passes over the table twice when a column is numbers in some chunks only, and tells how far it is', async () => {
    const { taken, delegation } = delegating();
    const told: AnalysisProgress[] = [];
    const onProgress = (progress: AnalysisProgress): void => void told.push(progress);
    const summary = await analyseTable(table('1', '22', 'x'), delegation, { strict: false, onProgress });
    expect(summary).toMatchObject({ rows: 3, columns: [{ name: 'a', type: 'text', count: 3, distinct: 3 }] });
    expect(taken.map(({ text, only }) => [text, only])).toEqual([
      ['1', undefined],
      ['22', undefined],
      ['x', undefined],
      ['1', ['a']],
      ['22', ['a']],
      ['x', ['a']],
    ]);
    expect(told.map(({ pass, rows, bytes }) => [pass, rows, bytes])).toEqual([
      [1, 1, 1],
      [1, 2, 3],
      [1, 3, 4],
      [2, 1, 1],
      [2, 2, 3],
      [2, 3, 4],
    ]);
  });

  const onProgress = (): void => undefined;

  it('refuses a ragged table before its second pass', async () => {
    const { taken, delegation } = delegating();
    const analysis = analyseTable(table('1', '!', 'x', '!'), delegation, { strict: false, onProgress });
    await expect(analysis).rejects.toThrow(
      "x.csv:3: bad; 2 of 4 rows can't be read as the header's columns: the input is ragged or no CSV",
    );
    expect(taken).toHaveLength(4);
  });

  it('goes no further than the first rejected row when strict', async () => {
    const { taken, delegation } = delegating();
    const analysis = analyseTable(table('1', '!', '!', '1'), delegation, { strict: true, onProgress });
    await expect(analysis).rejects.toThrow('x.csv:3: bad');
    expect(taken).toHaveLength(2);
  });
});
