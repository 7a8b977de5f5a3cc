import { median } from './measure.js';

/** What one round found of one contender. */
export interface Figures {
  /** Messages per second. */
  readonly rate: number;
  /** CPU time of this process for one message, both ends, in µs. */
  readonly cpu: number;
  /** Median round trip in ms. */
  readonly roundTrip: number;
  /** Requests per second, 64 at once. */
  readonly requestRate: number;
}

const columns = ['msg/s', 'x raw', 'CPU µs/msg', 'x raw', 'request ms', 'x raw', '64 at once/s', 'x raw'];

/**
 * A Markdown table: the medians over the rounds, each with the median of its ratios to the reference in the same round,
 * so that a round in which the machine was slow is slow for both.
 */
export function table(rounds: readonly ReadonlyMap<string, Figures>[], titles: ReadonlyMap<string, string>): string {
  const [reference] = titles.keys();
  const rows = [...titles].map(([id, title]) => {
    const cells = (['rate', 'cpu', 'roundTrip', 'requestRate'] as const).flatMap((figure) => {
      const values = rounds.map((round) => round.get(id)?.[figure] ?? Number.NaN);
      const ratios = values.map(
        (value, round) => value / (rounds[round]?.get(reference ?? '')?.[figure] ?? Number.NaN),
      );
      return [figure === 'roundTrip' ? median(values).toFixed(2) : thousands(median(values)), spread(ratios)];
    });
    return `| ${[title, ...cells].join(' | ')} |`;
  });
  return [`| path | ${columns.join(' | ')} |`, `|---|${columns.map(() => '---:|').join('')}`, ...rows].join('\n');
}

/** The median, and in brackets the least and the most. */
export const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;

const thousands = (value: number): string => Math.round(value).toLocaleString('en');
