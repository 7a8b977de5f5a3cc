import { expect } from '@jest/globals';

/** A column as a report or a task's result tells it. */
export type Column = Readonly<Record<string, unknown>>;

/** A table as CSV, with its statistics as they must come out: computed here, from the cells, in one plain pass. */
export interface Table {
  readonly csv: string;
  readonly rows: number;
  readonly columns: Readonly<Record<string, Column>>;
}

/** Cells must need no quotes. */
export function tableOf(names: readonly string[], rows: readonly (readonly string[])[]): Table {
  const lines = [names, ...rows].map((cells) => `${cells.join(',')}\n`);
  return {
    csv: lines.join(''),
    rows: rows.length,
    columns: Object.fromEntries(names.map((name, i) => [name, columnOf(rows.map((cells) => cells[i] ?? ''))])),
  };
}

/**
 * `count` rows of: a running number, a measure with a gap in every 7th row, a colour, and a code that is a number in all
 * rows but the last, which makes the column text (so that the workers have to read everything twice).
 */
export function measurements(count: number): Table {
  const colours = ['red', 'green', 'blue', 'dark blue', 'grey'];
  const rows = Array.from({ length: count }, (_, i) => [
    String(i + 1),
    i % 7 === 3 ? '' : (1_000 + 40 * Math.sin(i * 12.9898)).toFixed(5),
    colours[(i * i) % colours.length] ?? '',
    i === count - 1 ? 'unknown' : String(100 + (i % 90)),
  ]);
  return tableOf(['id', 'measure', 'colour', 'code'], rows);
}

/** Counts and extremes must be equal, mean and deviation to 9 digits. */
export function expectColumns(actual: Readonly<Record<string, Column>>, expected: Table['columns']): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { mean, stddev, ...exact }] of Object.entries(expected)) {
    expect(actual[name]).toMatchObject(exact);
    if (mean === undefined) continue;
    expectNear(actual[name]?.['mean'], Number(mean));
    expectNear(actual[name]?.['stddev'], Number(stddev));
  }
}

function expectNear(actual: unknown, expected: number): void {
  expect(typeof actual).toBe('number');
  expect(Math.abs(Number(actual) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1e-9);
}

function columnOf(cells: readonly string[]): Column {
  const present = cells.filter((cell) => cell !== '');
  const missing = cells.length - present.length;
  const numbers = present.map(Number);
  return numbers.every(Number.isFinite)
    ? { type: 'number', count: present.length, missing, ...momentsOf(numbers) }
    : { type: 'text', count: present.length, missing, ...frequenciesOf(present) };
}

function momentsOf(numbers: readonly number[]): Record<string, number> {
  const mean = sum(numbers) / numbers.length;
  const squares = sum(numbers.map((number) => (number - mean) ** 2));
  return {
    min: numbers.reduce((a, b) => Math.min(a, b)),
    max: numbers.reduce((a, b) => Math.max(a, b)),
    mean,
    stddev: Math.sqrt(squares / (numbers.length - 1)),
  };
}

/** By count, then by value; at most 10. */
function frequenciesOf(values: readonly string[]): Record<string, unknown> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const top = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 10);
  return { distinct: counts.size, top };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
