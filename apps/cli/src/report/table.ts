import { visible } from 'agentmq/protocol';
import stringWidth from 'string-width';

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** May be cut down to `least` characters when the terminal is narrow; never below. */
  readonly least?: number;
  /** Left out first, from the highest on, when cutting is not enough. A column without stays. */
  readonly optional?: number;
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

const pad = (text: string, width: number, align: 'left' | 'right'): string => {
  const blanks = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
};

/**
 * Lines of an aligned table, none wider than `width` unless even its narrowest form is: optional columns are left out,
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
      .map(({ column, cells }, i) => pad(fit(cells[row] ?? '', widths[i] ?? 0), widths[i] ?? 0, column.align))
      .join(' '.repeat(GAP))
      .trimEnd();
  const rule = widths.map((w) => '─'.repeat(w)).join(' '.repeat(GAP));
  return [line(0), rule, ...cells.map((_, i) => line(i + 1))];
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
