import { describe, expect, it } from '@jest/globals';
import { AnalysisSummary, type ColumnPart, PartialResult, type SummaryRequest } from 'agentmq/contracts';
import { contractOf, validatePayload } from 'agentmq/protocol';
import * as fc from 'fast-check';
import { AnalysisSession } from './analysis-session.js';
import { AnalysisSessions } from './analysis-sessions.js';

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

function partial(chunk: number, columns: ColumnPart[], more: Partial<PartialResult> = {}): PartialResult {
  return Object.assign(new PartialResult(), {
    runId: 'run',
    chunk,
    recount: false,
    rows: 2,
    columns,
    rejected: { count: 0, rows: [] },
    ...more,
  });
}
const ask = (chunks: number, recount = false, runId = 'run'): SummaryRequest => ({ runId, chunks, recount });

describe('AnalysisSession', () => {
  it('merges chunks into the summary of all', async () => {
    const session = new AnalysisSession('run');
    session.add(partial(0, [numbers('n', 1, 2), texts('t', 'b', 'a'), empty('e', 2)]));
    session.add(partial(1, [numbers('n', 3, 6), texts('t', 'a', 'c'), empty('e', 2)]));
    const summary = await session.summary(ask(2));
    expect(validatePayload(contractOf(AnalysisSummary), JSON.parse(JSON.stringify(summary)))).toEqual(summary);
    expect(summary).toMatchObject({
      rows: 4,
      undecided: [],
      columns: [
        { name: 'n', type: 'number', count: 4, mean: 3, min: 1, max: 6 },
        { name: 't', type: 'text', count: 4, distinct: 3, top: [['a', 2], ['b', 1], ['c', 1]] }, // prettier-ignore
        { name: 'e', type: 'text', count: 0, missing: 4, distinct: 0, top: [] },
      ],
    });
  });

  it('answers the same to the last bit whatever order the chunks come in, and however often', async () => {
    const chunks = Array.from({ length: 8 }, (_, i) =>
      partial(i, [numbers('n', 0.1 * i, 1e9 / (i + 1)), texts('t', `v${i % 3}`, 'good')], {
        rejected: { count: 1, rows: [{ line: i, reason: 'bad' }] },
      }),
    );
    const inOrder = new AnalysisSession('run');
    for (const chunk of chunks) inOrder.add(chunk);
    const expected = JSON.stringify(await inOrder.summary(ask(8)));
    const order = fc.shuffledSubarray([...chunks, ...chunks], { minLength: 16 });
    await fc.assert(
      fc.asyncProperty(order, async (order) => {
        const session = new AnalysisSession('run');
        const repeated = order.map((chunk) => session.add(chunk).repeated);
        expect(repeated.filter(Boolean)).toHaveLength(8);
        expect(JSON.stringify(await session.summary(ask(8)))).toBe(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('has columns that are numbers here and text there counted in a second pass', async () => {
    const session = new AnalysisSession('run');
    session.add(partial(0, [numbers('code', 1, 2), numbers('n', 1, 2)]));
    session.add(partial(1, [texts('code', 'A1', '2'), numbers('n', 1, 2)]));
    const first = await session.summary(ask(2));
    expect(first).toMatchObject({ columns: [], undecided: ['code'], sentiment: null });
    session.add(partial(1, [texts('code', 'A1', '2')], { recount: true }));
    await expect(session.summary(ask(2, true))).rejects.toMatchObject({ code: 'MISSING_CHUNKS', chunk: 0 });
    session.add(partial(0, [texts('code', '1', '2')], { recount: true }));
    const second = await session.summary(ask(2, true));
    expect(second).toMatchObject({
      rows: 4,
      undecided: [],
      columns: [
        { name: 'code', type: 'text', count: 4, distinct: 3, top: [['2', 2], ['1', 1], ['A1', 1]] }, // prettier-ignore
        { name: 'n', type: 'number', count: 4 },
      ],
    });
  });

  it('does not take blanks for text: chunks without a value leave a column of numbers alone', async () => {
    const session = new AnalysisSession('run');
    session.add(partial(0, [empty('n', 2)]));
    session.add(partial(1, [numbers('n', 1, 2)]));
    session.add(partial(2, [empty('n', 2)]));
    expect((await session.summary(ask(3))).columns).toMatchObject([{ type: 'number', count: 2, missing: 4 }]);
  });

  it('tells very long values by their beginning', async () => {
    const session = new AnalysisSession('run');
    session.add(partial(0, [texts('t', `${'x'.repeat(999)}😀${'y'.repeat(100_000)}`, 'z'.repeat(1000))]));
    expect((await session.summary(ask(1))).columns).toMatchObject([
      { distinct: 2, top: [[`${'x'.repeat(999)}…`, 1], ['z'.repeat(1000), 1]] }, // prettier-ignore
    ]);
  });

  it('gives the same answer again, and takes no more chunks', async () => {
    const session = new AnalysisSession('run');
    session.add(partial(0, [texts('t', 'good')]));
    const summary = await session.summary(ask(1));
    expect(session.finished).toBe(true);
    expect(session.add(partial(1, [texts('t', 'x')]))).toMatchObject({ repeated: true });
    expect(await session.summary(ask(1))).toBe(summary);
  });

  it('lists the first hundred rejected rows of the file, and counts all', async () => {
    const rejected = (from: number) => ({
      count: 70,
      rows: Array.from({ length: 70 }, (_, i) => ({ line: from + i, reason: 'bad' })),
    });
    const session = new AnalysisSession('run');
    session.add(partial(1, [numbers('n', 1)], { rejected: rejected(1000) }));
    session.add(partial(0, [numbers('n', 1)], { rejected: rejected(1) }));
    const { count, rows } = (await session.summary(ask(2))).rejected;
    expect(count).toBe(140);
    expect(rows.map(({ line }) => line)).toEqual([
      ...Array.from({ length: 70 }, (_, i) => 1 + i),
      ...Array.from({ length: 30 }, (_, i) => 1000 + i),
    ]);
  });

  it('names the chunk that is missing', async () => {
    const session = new AnalysisSession('run');
    session.add(partial(1, [numbers('n', 1)]));
    await expect(session.summary(ask(2))).rejects.toMatchObject({ code: 'MISSING_CHUNKS', chunk: 0, retryable: true });
  });

  it('bounds how many chunks may wait, yet takes the one that is missing', async () => {
    const session = new AnalysisSession('run', { maxWaiting: 2 });
    session.add(partial(1, [numbers('n', 1)]));
    session.add(partial(2, [numbers('n', 1)]));
    expect(() => session.add(partial(3, [numbers('n', 1)]))).toThrow('run run: 2 chunks wait for chunk 0');
    session.add(partial(0, [numbers('n', 1)]));
    session.add(partial(3, [numbers('n', 1)]));
    expect(await session.summary(ask(4))).toMatchObject({ rows: 8 });
  });

  it('is worthless once a chunk could not be merged, and says so to everyone', async () => {
    const session = new AnalysisSession('run', { maxTextBytes: 10_000 });
    session.add(partial(0, [texts('t', 'x')]));
    const large = partial(1, [texts('t', 'y'.repeat(20_000))]);
    expect(() => session.add(large)).toThrow('more than 10000 bytes');
    expect(() => session.add(large)).toThrow('more than 10000 bytes');
    await expect(session.summary(ask(2))).rejects.toMatchObject({ code: 'TOO_MANY_VALUES' });
  });

  it('refuses chunks with other columns, and a second pass over another input', async () => {
    const session = new AnalysisSession('run');
    session.add(partial(0, [numbers('a', 1)]));
    expect(() => session.add(partial(1, [numbers('b', 1)]))).toThrow('chunk 1 has other columns than chunk 0');

    const changed = new AnalysisSession('run');
    changed.add(partial(0, [numbers('a', 1)]));
    changed.add(partial(1, [texts('a', 'x')]));
    await changed.summary(ask(2));
    changed.add(partial(0, [texts('a', '1')], { recount: true }));
    changed.add(partial(1, [texts('a', 'x')], { recount: true, rows: 3 }));
    await expect(changed.summary(ask(2, true))).rejects.toMatchObject({ code: 'PARTIAL_MISMATCH' });
  });
});

describe('AnalysisSessions', () => {
  const of = (runId: string) => partial(0, [numbers('n', 1)], { runId });

  it('keeps runs apart', async () => {
    const sessions = new AnalysisSessions();
    sessions.add(of('a'));
    sessions.add(partial(0, [texts('t', 'x')], { runId: 'b' }));
    expect(await sessions.summary(ask(1, false, 'a'))).toMatchObject({ runId: 'a', columns: [{ name: 'n' }] });
    expect(await sessions.summary(ask(1, false, 'b'))).toMatchObject({ runId: 'b', columns: [{ name: 't' }] });
  });

  it('does not know a run that never began', async () => {
    await expect(new AnalysisSessions().summary(ask(1))).rejects.toMatchObject({ code: 'UNKNOWN_RUN' });
  });

  it('has room for so many unfinished runs; a finished one makes way', async () => {
    const sessions = new AnalysisSessions({ maxRuns: 2 });
    sessions.add(of('a'));
    sessions.add(of('b'));
    expect(() => sessions.add(of('c'))).toThrow('2 runs are being analysed, which is the limit');
    await sessions.summary(ask(1, false, 'b'));
    sessions.add(of('c'));
    expect(sessions.size).toBe(2);
    await expect(sessions.summary(ask(1, false, 'b'))).rejects.toMatchObject({ code: 'UNKNOWN_RUN' });
  });

  it('drops a run that nothing is heard of', async () => {
    let now = 0;
    const sessions = new AnalysisSessions({ idleMs: 1000, now: () => now });
    sessions.add(of('a'));
    now = 900;
    sessions.add(of('b'));
    now = 1000;
    sessions.sweep();
    expect(sessions.size).toBe(1);
    now = 1900;
    await expect(sessions.summary(ask(1, false, 'b'))).rejects.toMatchObject({ code: 'UNKNOWN_RUN' });
  });
});
