import { describe, expect, it } from '@jest/globals';
import stringWidth from 'string-width';
import { readable, renderReport } from './render-report.js';
import type { ColumnReport, AnalysisReport } from './report.js';

const number: ColumnReport = {
  type: 'number',
  count: 12_000,
  missing: 3,
  min: -1e9,
  max: 1234.5678,
  mean: 0.00001,
  stddev: null,
};
const text: ColumnReport = {
  type: 'text',
  count: 12_000,
  missing: 0,
  distinct: 7,
  top: [
    ['Köln', 9000],
    ['東京', 2000],
    ['\u001B[31mred\u0007\n', 1000],
  ],
};
const reportOf = (columns: Record<string, ColumnReport>, more: Partial<AnalysisReport> = {}): AnalysisReport => ({
  input: 'data.csv',
  rows: 12_003,
  agents: 4,
  columns,
  keywords: Array.from({ length: 20 }, (_, i) => ({ word: `keyword${i}`, count: 1000 - i })),
  sentiment: { score: 0.25, positive: 3, neutral: 2, negative: 1, analysed: 6 },
  rejected: { count: 0, rows: [] },
  messages: { sent: 1234, received: 1230 },
  durationMs: 1234,
  ...more,
});

describe('readable', () => {
  it.each([
    [null, '-'],
    [0, '0'],
    [1234567, '1,234,567'],
    [1234567.891, '1,234,567.89'],
    [0.123456789, '0.123457'],
    [-0.00001234, '-1.234e-5'],
    [1e21, '1e21'],
    [1.5e300, '1.5e300'],
  ])('%p is %s', (value, shown) => {
    expect(readable(value)).toBe(shown.replace('e21', 'e+21').replace('e300', 'e+300'));
  });
});

describe('renderReport', () => {
  it('shows numbers, text, keywords, sentiment and the work done', () => {
    const shown = renderReport(reportOf({ price: number, city: text }), 120);
    expect(shown).toContain('data.csv\n12,003 rows, 2 columns\n');
    expect(shown).toMatch(/price +12,000 +3 +-1,000,000,000 +1,234.57 +1e-5 +-\n/);
    expect(shown).toMatch(/city +12,000 +0 +7 +Köln \(9,000\), 東京 \(2,000\)/);
    expect(shown).toContain('keyword0 (1,000)');
    expect(shown).toContain('sentiment: 0.25 (3 positive, 2 neutral, 1 negative; from 6 different texts)');
    expect(shown).toContain('4 workers, 1,234 messages sent, 1,230 received, 1.2 s\n');
  });

  it('shows nothing that would act on the terminal', () => {
    const shown = renderReport(reportOf({ '\u001B[2Jname': text }), 100);
    expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('tells all keywords on however many lines it takes', () => {
    expect(renderReport(reportOf({}), 40)).toContain('keyword19 (981)');
  });

  it('lists some of the rejected rows', () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ line: i + 2, reason: 'has 1 field where the header has 2' }));
    const shown = renderReport(reportOf({ price: number }, { rejected: { count: 1500, rows } }), 80);
    expect(shown).toContain('1,500 rows rejected:\n  line 2: has 1 field where the header has 2\n');
    expect(shown).toContain('  and 1,490 more\n');
  });

  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`column ${i}`, i % 2 ? number : text]));
  it.each<[string, Record<string, ColumnReport>]>([
    ['one column of numbers', { price: number }],
    ['one column of text', { city: text }],
    ['100 columns', many],
    ['a long name', { ['x'.repeat(300)]: number, ['東京'.repeat(100)]: text }],
    ['no columns', {}],
  ])('keeps within the terminal with %s', (_, columns) => {
    for (const width of [40, 60, 80, 200]) {
      const lines = renderReport(reportOf(columns), width).split('\n');
      expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
    }
    expect(renderReport(reportOf(columns), 5)).toBe(renderReport(reportOf(columns), 40));
    for (const name of Object.keys(columns)) {
      expect(renderReport(reportOf(columns), 40)).toContain(name.slice(0, 4));
    }
  });
});
