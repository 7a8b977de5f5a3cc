import { visible } from 'agentmq/protocol';
import type { NumberSummary, TextSummary } from 'agentmq/contracts';
import type { ColumnReport, AnalysisReport } from './report.js';
import { count as counted, fit, some, table, type TableColumn, wrap } from '../output/index.js';

const plain = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 });
const LISTED_REJECTED = 10;

/** A number of at most six significant digits, as decimals where that is short, else with an exponent; whole ones stay whole. */
export function readable(value: number | null): string {
  if (value === null) return '-';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return counted(value);
  if (size >= 1e15 || (size !== 0 && size < 1e-4)) return value.toExponential(5).replace(/\.?0+e/, 'e');
  return size >= 1e6 ? new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 }).format(value) : plain.format(value);
}

const numberColumns: readonly TableColumn[] = [
  { title: 'number', align: 'left', least: 8 },
  { title: 'count', align: 'right' },
  { title: 'missing', align: 'right', optional: 1 },
  { title: 'min', align: 'right', optional: 3 },
  { title: 'max', align: 'right', optional: 4 },
  { title: 'mean', align: 'right' },
  { title: 'stddev', align: 'right', optional: 2 },
];
const textColumns: readonly TableColumn[] = [
  { title: 'text', align: 'left', least: 8 },
  { title: 'count', align: 'right', optional: 2 },
  { title: 'missing', align: 'right', optional: 1 },
  { title: 'distinct', align: 'right' },
  { title: 'most frequent', align: 'left', least: 10 },
];

type Named = readonly [name: string, column: ColumnReport];
const numberRow = ([name, c]: readonly [string, Omit<NumberSummary, 'name'>]): string[] => [
  name,
  counted(c.count),
  counted(c.missing),
  readable(c.min),
  readable(c.max),
  readable(c.mean),
  readable(c.stddev),
];
const textRow = ([name, c]: readonly [string, Omit<TextSummary, 'name'>]): string[] => [
  name,
  counted(c.count),
  counted(c.missing),
  counted(c.distinct),
  c.top
    .map(([value, count]) => `${value} (${counted(count)})`)
    .slice(0, 3)
    .join(', '),
];
const isNumber = (entry: Named): entry is readonly [string, Omit<NumberSummary, 'name'>] => entry[1].type === 'number';
const isText = (entry: Named): entry is readonly [string, Omit<TextSummary, 'name'>] => entry[1].type === 'text';

/**
 * The report for people: plain text, its lines as wide as `width` characters at most (40 is the least that it is
 * made for), ending in a line feed.
 */
export function renderReport(report: AnalysisReport, width = 80): string {
  const space = Math.max(40, width);
  const columns: Named[] = Object.entries(report.columns);
  const numbers = columns.filter(isNumber);
  const texts = columns.filter(isText);
  const sections = [
    heading(report, columns.length, space),
    numbers.length === 0 ? [] : table(numberColumns, numbers.map(numberRow), space),
    texts.length === 0 ? [] : table(textColumns, texts.map(textRow), space),
    language(report, space),
    rejected(report, space),
    footing(report, space),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function heading({ input, rows }: AnalysisReport, columns: number, width: number): string[] {
  return [fit(visible(input), width), `${some(rows, 'row')}, ${some(columns, 'column')}`];
}

function language({ keywords, sentiment }: AnalysisReport, width: number): string[] {
  const lines: string[] = [];
  if (keywords.length > 0) {
    const words = keywords.map(({ word, count }) => `${visible(word)} (${counted(count)})`);
    lines.push(...wrap(`keywords: ${words.join(', ')}`, width, '  '));
  }
  if (sentiment) {
    const { score, positive, neutral, negative, analysed } = sentiment;
    const shares = `${counted(positive)} positive, ${counted(neutral)} neutral, ${counted(negative)} negative`;
    lines.push(
      ...wrap(`sentiment: ${readable(score)} (${shares}; from ${some(analysed, 'different text')})`, width, '  '),
    );
  }
  return lines;
}

function rejected({ rejected: { count, rows } }: AnalysisReport, width: number): string[] {
  if (count === 0) return [];
  const listed = rows.slice(0, LISTED_REJECTED).map(({ line, reason }) => `  line ${line}: ${visible(reason)}`);
  const rest = count - listed.length;
  return [`${some(count, 'row')} rejected:`, ...listed, ...(rest > 0 ? [`  and ${counted(rest)} more`] : [])].map(
    (line) => fit(line, width),
  );
}

function footing({ agents, messages, durationMs }: AnalysisReport, width: number): string[] {
  const work = `${some(agents, 'worker')}, ${some(messages.sent, 'message')} sent, ${counted(messages.received)} received`;
  return wrap(`${work}, ${(durationMs / 1000).toFixed(1)} s`, width, '  ');
}
