import { visible } from 'agentmq/protocol';
import stringWidth from 'string-width';
import { painted, type Style } from './colours.js';

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** May be cut down to `least` characters when the terminal is narrow; never below. */
  readonly least?: number;
  /** Left out first, from the highest on, when cutting is not enough. A column without stays. */
  readonly optional?: number;
  /** How a cell is shown on a terminal with colours. */
  readonly paint?: (cell: string) => Style | undefined;
}

const GAP = 2;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Cuts text to `width` columns of the terminal, with an ellipsis when something is lost. */
export function fit(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  if (width < 1) return '';
  let cut = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const next = stringWidth(segment);
    if (used + next > width - 1) break;
    cut += segment;
    used += next;
  }
  return `${cut}…`;
}

/** Lines of at most `width` columns of the terminal, each but the first after `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && stringWidth(longer) > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line].map((each) => fit(each, width));
}

const pad = (text: string, width: number, align: 'left' | 'right'): string => {
  const blanks = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
};

/**
 * Lines of an aligned table, whose cells do nothing to the terminal, none wider than `width` unless even its narrowest form is: optional columns are left out,
 * then the others cut, the widest first.
 */
export function table(columns: readonly TableColumn[], rows: readonly (readonly string[])[], width: number): string[] {
  const cells = rows.map((row) => row.map(visible));
  let shown = columns.map((column, i) => ({
    column,
    cells: [column.title, ...cells.map((row) => row[i] ?? '')],
  }));
  const wish = (all: typeof shown): number[] => all.map(({ cells }) => Math.max(...cells.map((c) => stringWidth(c))));
  const least = (all: typeof shown): number =>
    wish(all).reduce((sum, w, i) => sum + Math.min(w, all[i]?.column.least ?? w) + GAP, -GAP);
  while (least(shown) > width) {
    const drop = Math.max(...shown.map(({ column }) => column.optional ?? -1));
    if (drop < 0) break;
    shown = shown.filter(({ column }) => column.optional !== drop);
  }
  const widths = wish(shown);
  for (let excess = sum(widths) + GAP * (widths.length - 1) - width; excess > 0; excess--) {
    const widest = widestThatYields(shown, widths);
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  const line = (row: number): string =>
    shown
      .map(({ column: { align, paint }, cells }, i) => {
        const [cell = '', width = 0] = [cells[row], widths[i]];
        // blanks at the end of a line would make a narrow terminal wrap it
        const isLast = i === shown.length - 1 && align === 'left';
        const text = isLast ? fit(cell, width) : pad(fit(cell, width), width, align);
        return painted(text, row === 0 ? 'bold' : paint?.(cell));
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const rule = widths.map((w) => '─'.repeat(w)).join(' '.repeat(GAP));
  return [line(0), painted(rule, 'dim'), ...cells.map((_, i) => line(i + 1))];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function widestThatYields(shown: readonly { column: TableColumn }[], widths: readonly number[]): number {
  let widest = -1;
  shown.forEach(({ column }, i) => {
    const width = widths[i] ?? 0;
    if (column.least !== undefined && width > column.least && width > (widths[widest] ?? 0)) widest = i;
  });
  return widest;
}
