import type { Spread } from '../statistics.js';

/** A figure as `compare` has it: with its ratio to the reference in the same round. */
export interface Measured extends Spread {
  readonly overRaw: Spread;
}

/** Names of figures, with how they are told. */
const figures = [
  { name: 'rate', title: 'msg/s', digits: 0 },
  { name: 'cpu', title: 'CPU µs/msg', digits: 0 },
  { name: 'roundTrip', title: 'request ms', digits: 2 },
  { name: 'requestRate', title: '64 at once/s', digits: 0 },
] as const;

export type Row = { readonly title: string } & { readonly [name in (typeof figures)[number]['name']]?: Measured };

/** A Markdown table: the medians over the rounds, each with the median of its ratios to the reference in the same round. */
export function table(rows: readonly Row[]): string {
  const shown = figures.filter(({ name }) => rows.some((row) => row[name]));
  const cells = (row: Row): string[] =>
    shown.flatMap(({ name, digits }) => {
      const figure = row[name];
      return figure ? [decimal(figure.median, digits), withRange(figure.overRaw)] : ['–', '–'];
    });
  return markdownTable(
    ['', ...shown.flatMap(({ title }) => [title, '÷ raw'])],
    rows.map((row) => [row.title, ...cells(row)]),
  );
}

/** The first column is of words, the others are of numbers. */
export const markdownTable = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  [columns, ['---', ...columns.slice(1).map(() => '---:')], ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** The median, and in brackets the least and the most. */
export const withRange = ({ median, least, most }: Spread): string =>
  `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;

export const decimal = (value: number, digits: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
