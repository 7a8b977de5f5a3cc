import { visible, visibleJson } from 'agentmq/protocol';
import type { Page } from 'agentmq/operations';
import { painted, type Style } from './colours.js';
import { table, type TableColumn, wrap } from './table.js';

/** The width of pictures that do not go to a terminal. */
const WIDTH = 160;
const LABEL_WIDTH = 15;

/** Prints lines on stdout. Text from outside in them begins no other line, and does nothing to the terminal. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

/** The same on stderr, for what is not the result. */
export function note(...lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

export function printJson(value: unknown): void {
  const lines = JSON.stringify(value, null, 2).split('\n');
  process.stdout.write(`${lines.map(visibleJson).join('\n')}\n`);
}

export interface TableView<Row> {
  readonly columns: readonly (TableColumn & { readonly cell: (row: Row) => string })[];
  /** What is printed when there is no row. */
  readonly none: string;
}

/** Prints a table as wide as the terminal (a script gets all cells whole), without columns that are empty, or a line when there are no rows. */
export function printTable<Row>(rows: readonly Row[], { columns, none }: TableView<Row>): void {
  if (rows.length === 0) {
    print(none);
    return;
  }
  const cells = columns.map((column) => ({ column, texts: rows.map((row) => column.cell(row)) }));
  const shown = cells.filter(({ texts }) => texts.some((text) => text !== ''));
  const lines = rows.map((_, row) => shown.map(({ texts }) => texts[row] ?? ''));
  printLines(
    table(
      shown.map(({ column }) => column),
      lines,
      process.stdout.columns ?? Infinity,
    ),
  );
}

/** Prints a page: a table, or with `json` the page itself; how to go on is told on stderr. */
export function printPage<Row>(page: Page<Row>, json: boolean, view: TableView<Row>): void {
  if (json) printJson(page);
  else printTable(page.items, view);
  if (page.next !== undefined && !json)
    note(`there may be more: --after ${/^[\w.:-]+$/.test(page.next) ? page.next : `'${page.next}'`}`);
}

/** A label and what stands beside it; left out where that is undefined. */
export type Fields = Readonly<Record<string, string | readonly [text: string, style: Style | undefined] | undefined>>;

/** Prints fields, one a line. */
export function printFields(fields: Fields): void {
  const lines = Object.entries(fields).flatMap(([label, value]) => {
    if (value === undefined) return [];
    const [text, style] = typeof value === 'string' ? [value, undefined] : value;
    // a pipe gets each field on one line
    const width = process.stdout.isTTY ? Math.max(LABEL_WIDTH, terminalWidth() - LABEL_WIDTH) : Infinity;
    return wrap(visible(text), width).map(
      (line, index) => `${(index === 0 ? label : '').padEnd(LABEL_WIDTH)}${painted(line, style)}`,
    );
  });
  printLines(lines);
}

/** Prints a heading after an empty line. */
export function printHeading(text: string): void {
  printLines(['', painted(visible(text), 'bold')]);
}

/** Columns of the terminal. */
export const terminalWidth = (): number => process.stdout.columns ?? WIDTH;

/** Prints lines in which nothing is from outside that was not made visible. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
