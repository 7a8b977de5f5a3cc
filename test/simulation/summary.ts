import { INVARIANTS } from './invariants.js';
import { ELECTION_TIMEOUT, type Family, type Schedule, SETTLED_WITHIN } from './schedule.js';
import type { Outcome } from './simulate.js';

/** What came of many schedules. Goes between processes as JSON. */
export interface Summary {
  schedules: number;
  readonly families: Record<Family, number>;
  events: number;
  elections: number;
  maxTerm: number;
  writes: number;
  refused: number;
  /** How many schedules had their lasting leader within one tenth of an election time-out after healing, two tenths, … */
  readonly settled: number[];
}

export const emptySummary = (): Summary => ({
  schedules: 0,
  families: { fixed: 0, changing: 0, returning: 0 },
  events: 0,
  elections: 0,
  maxTerm: 0,
  writes: 0,
  refused: 0,
  settled: Array.from({ length: (10 * SETTLED_WITHIN) / ELECTION_TIMEOUT + 1 }, () => 0),
});

export function count(summary: Summary, { family }: Schedule, outcome: Outcome): void {
  summary.schedules++;
  summary.families[family]++;
  summary.events += outcome.events;
  summary.elections += outcome.elections;
  summary.maxTerm = Math.max(summary.maxTerm, outcome.maxTerm);
  summary.writes += outcome.writes;
  summary.refused += outcome.refused;
  const tenths = Math.ceil((10 * outcome.settledAfter) / ELECTION_TIMEOUT);
  summary.settled[tenths] = (summary.settled[tenths] ?? 0) + 1;
}

export function add(summary: Summary, other: Summary): void {
  summary.schedules += other.schedules;
  for (const family of Object.keys(summary.families) as Family[]) summary.families[family] += other.families[family];
  summary.events += other.events;
  summary.elections += other.elections;
  summary.maxTerm = Math.max(summary.maxTerm, other.maxTerm);
  summary.writes += other.writes;
  summary.refused += other.refused;
  other.settled.forEach((found, tenths) => (summary.settled[tenths] = (summary.settled[tenths] ?? 0) + found));
}

/** In election time-outs: within this time so large a share of the schedules, from 0 to 1, had settled. */
export function settledWithin({ settled, schedules }: Summary, share: number): number {
  let seen = 0;
  const tenths = settled.findIndex((found) => (seen += found) >= share * schedules);
  return tenths / 10;
}

/** @param seconds That it took. */
export function describe(summary: Summary, seconds: number): string {
  const { families, settled } = summary;
  const number = (value: number): string => value.toLocaleString('en-GB');
  const shares = [0.5, 0.99, 0.9999, 1].map((share) => settledWithin(summary, share).toFixed(1));
  return [
    `schedules          ${number(summary.schedules)} in ${seconds.toFixed(0)} s`,
    `  of which         ${number(families.fixed)} fixed, ${number(families.changing)} changing, ${number(families.returning)} returning`,
    `events             ${number(summary.events)}`,
    `elections          ${number(summary.elections)}, up to term ${number(summary.maxTerm)}`,
    `writes of leaders  ${number(summary.writes)}, ${number(summary.refused)} of them refused by the fence`,
    `settled            at once in ${number(settled[0] ?? 0)}; election time-outs after healing: median ${shares[0]}, 99 % ${shares[1]}, 99.99 % ${shares[2]}, all ${shares[3]}`,
    `invariants         ${Object.keys(INVARIANTS).length}, checked after every event`,
    ...Object.values(INVARIANTS).map((text) => `  ${text}`),
  ].join('\n');
}
