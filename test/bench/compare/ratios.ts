import type { Throughput } from './entrant.js';

/** What one round finds of one contender. */
export interface Figures extends Throughput {
  /** Median round trip of requests one after the other, in ms. */
  readonly roundTrip?: number;
  /** Requests per second, 64 at once. */
  readonly requestRate?: number;
}

/** A figure of one contender divided by that of another, in the same round. */
export interface RatioOf {
  readonly name: string;
  readonly of: string;
  readonly over: string;
  readonly figure: keyof Figures;
}

const rate = (of: string, over: string): RatioOf => ({
  name: `${of}_over_${over}`.replaceAll('-', '_'),
  of,
  over,
  figure: 'rate',
});

const requests = (prefix: string, of: string): RatioOf[] => [
  { name: `${prefix}request_p50_over_raw`, of, over: 'raw', figure: 'roundTrip' },
  { name: `${prefix}request_64_over_raw`, of, over: 'raw', figure: 'requestRate' },
];

/** Those that tell whether the message path is as fast as it should be. */
export const ratios: readonly RatioOf[] = [
  rate('durable', 'raw'),
  { ...rate('durable', 'nest'), name: 'durable_over_nest_rmq' },
  rate('durable', 'golevelup'),
  rate('durable', 'pg-boss'),
  rate('durable', 'graphile-worker'),
  rate('durable', 'graphile-worker-batched'),
  rate('durable', 'bullmq'),
  { name: 'durable_cpu_over_raw', of: 'durable', over: 'raw', figure: 'cpu' },
  rate('transient', 'raw'),
  rate('transient', 'golevelup'),
  { name: 'transient_cpu_over_raw', of: 'transient', over: 'raw', figure: 'cpu' },
  ...requests('', 'transient'),
  ...requests('durable_', 'durable'),
];
