import { readFileSync } from 'node:fs';
import type { Measured } from '../compare/table.js';
import type { Environment } from '../environment.js';
import type { Spread } from '../statistics.js';

/** A contender as `compare` tells of it. */
export interface Compared {
  readonly title: string;
  readonly promise: string;
  readonly configured?: string;
  readonly rate: Measured;
  readonly cpu: Measured;
  readonly roundTrip?: Measured;
  readonly requestRate?: Measured;
}

interface Latency {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

interface Memory {
  readonly firstMb: number;
  readonly lastMb: number;
  readonly differenceMb: number;
}

/** What modes have found; any of them may not have run. */
export interface Measures {
  readonly one_process?: Readonly<Record<string, Compared>>;
  readonly two_processes?: Readonly<Record<string, Compared>>;
  readonly latency?: Readonly<Record<'one_process' | 'two_processes', Readonly<Record<string, Latency>>>>;
  readonly memory?: Readonly<Record<string, Memory>>;
  readonly workers?: { readonly eightOverOne: Spread };
  readonly idle?: { readonly transactionsPerSecond: number; readonly cpuPercent: number };
  readonly start?: { readonly cpuSeconds: Spread; readonly readyMs: Spread; readonly idleResidentMb: Spread };
  readonly history?: { readonly settled: number; readonly size: string; readonly ratio: Spread };
}

/** What `--json` writes. */
export interface Results {
  readonly environment: Environment & { readonly loadAfter: number; readonly command: string };
  readonly measures: Measures;
  readonly ratios: Readonly<Record<string, number>>;
}

/** What several files tell of one version of Node. */
export interface Column extends Pick<Results, 'measures' | 'ratios'> {
  /** `Node 20` */
  readonly node: string;
  readonly runs: readonly Results['environment'][];
}

/** One column for each version of Node, the oldest first. Of what two files have, the later one is taken. */
export function readColumns(files: readonly string[]): Column[] {
  const columns = new Map<number, Column>();
  for (const file of files) {
    const { environment, measures, ratios } = JSON.parse(readFileSync(file, 'utf8')) as Results;
    const major = Number.parseInt(environment.node.slice(1), 10);
    const before = columns.get(major);
    columns.set(major, {
      node: `Node ${major}`,
      measures: { ...before?.measures, ...measures },
      ratios: { ...before?.ratios, ...ratios },
      runs: [...(before?.runs ?? []), environment],
    });
  }
  return [...columns].sort(([one], [other]) => one - other).map(([, column]) => column);
}
