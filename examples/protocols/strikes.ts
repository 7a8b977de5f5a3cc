import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { defaultInput } from './default-input.js';

/** A row of the table that the agents work on: a bird strike on an aircraft. */
export interface Strike {
  readonly airport: string;
  readonly state: string;
  /** Of the bird: small, medium or large. */
  readonly size: string;
  readonly isDamaging: boolean;
  /** In whole dollars. */
  readonly cost: number;
  /** In knots, where it is known. */
  readonly speed: number | undefined;
}

/** All rows, as they are in the file. */
export async function readStrikes(): Promise<Strike[]> {
  const rows = parse<Record<string, string>>(await readFile(defaultInput()), { columns: true });
  return rows.map((row) => ({
    airport: row['Airport Name'] ?? '',
    state: row['Origin State'] ?? '',
    size: (row['Wildlife Size'] ?? '').toLowerCase(),
    isDamaging: row['Effect Amount of damage'] !== 'None',
    cost: Number(row['Cost Total $']),
    speed: row['Speed IAS in knots'] ? Number(row['Speed IAS in knots']) : undefined,
  }));
}

/** Deals rows out: every one to one of so many agents. */
export function deal<Row>(rows: readonly Row[], agents: number): Row[][] {
  return Array.from({ length: agents }, (_, agent) => rows.filter((__, n) => n % agents === agent));
}

export const totalOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

/** Values by how often they occur, the most frequent first. */
export function byFrequency(values: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([value]) => value);
}

/** `1,234`. */
export const grouped = (number: number): string => number.toLocaleString('en');
