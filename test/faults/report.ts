import type { FaultReport } from './fault.js';

const COLUMNS = ['sent', 'lost', 'unexpected', 'completed twice', 'dead', 'duplicates (plain)', 'heal to quiet, s'];

/** A Markdown table with a line for each fault and one for all together, and the notes below it. */
export function table(reports: readonly FaultReport[]): string {
  const rows = reports.map(({ fault, account, quietMs }) =>
    row(fault.title, [...figuresOf(account), (quietMs / 1_000).toFixed(1)]),
  );
  const totals = reports.map(({ account }) => figuresOf(account));
  const sums = COLUMNS.slice(0, -1).map((_, index) => totals.reduce((sum, figures) => sum + (figures[index] ?? 0), 0));
  const notes = reports.flatMap(({ fault, notes }) => notes.map((note) => `- ${fault.title}: ${note}`));
  return [
    row('fault', COLUMNS),
    `|---|${COLUMNS.map(() => '---:|').join('')}`,
    ...rows,
    row('all', [...sums, '']),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n');
}

function figuresOf({ accepted, lost, unexpected, completedTwice, dead, duplicates }: FaultReport['account']): number[] {
  return [accepted, lost.length, unexpected.length, completedTwice.length, dead, duplicates];
}

const row = (title: string, cells: readonly (number | string)[]): string =>
  `| ${[title, ...cells.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell))].join(' | ')} |`;
