import { Client } from 'pg';
import { Entrant } from '../compare/entrant.js';
import { decimal, markdownTable, withRange } from '../compare/table.js';
import type { Mode } from '../mode.js';
import { databaseUrl } from '../../support/index.js';
import { median, ratiosOf, rounded, spreadOf } from '../statistics.js';
import { fill } from './fill.js';

const DAYS = 30;

/** Durable messages, end to end, in a namespace that is full of settled ones, and in one that is not; each first in turn. */
export const historyMode: Mode = {
  name: 'history',
  about: 'durable messages in a database with so many settled ones, and in one with none',
  counts: { what: 'messages', standard: 10_000_000 },
  async run({ count, rounds, messages, report }) {
    const client = new Client({ connectionString: databaseUrl() });
    await client.connect();
    const full = await Entrant.open({ contender: 'durable', processes: 1 });
    const empty = await Entrant.open({ contender: 'durable', processes: 1 });
    const rates = { full: [] as number[], empty: [] as number[] };
    try {
      await fill(client, full.namespace, { count, days: DAYS }, report);
      const size = await sizeOf(client, full.namespace);
      report(size);
      for (const entrant of [full, empty]) await entrant.throughput(messages);
      for (let round = 0; round < rounds; round++) {
        const measure = async (which: 'full' | 'empty'): Promise<void> => {
          rates[which].push((await (which === 'full' ? full : empty).throughput(messages)).rate);
        };
        for (const which of round % 2 ? (['full', 'empty'] as const) : (['empty', 'full'] as const))
          await measure(which);
        report(
          `round ${round + 1}/${rounds}: full ${rates.full.at(-1)?.toFixed(0)}, empty ${rates.empty.at(-1)?.toFixed(0)} msg/s`,
        );
      }
      const ratios = ratiosOf(rates.full, rates.empty);
      return {
        measures: {
          history: {
            settled: count,
            size,
            full: spreadOf(rates.full),
            none: spreadOf(rates.empty),
            ratio: spreadOf(ratios),
          },
        },
        ratios: { history_over_none: rounded(median(ratios)) },
        text: markdownTable(
          ['', `msg/s with ${decimal(count, 0)} settled`, 'with none', 'ratio'],
          [['durable', decimal(median(rates.full), 0), decimal(median(rates.empty), 0), withRange(spreadOf(ratios))]],
        ),
      };
    } finally {
      await client.end();
      await full.close();
      await empty.close();
    }
  },
};

async function sizeOf(client: Client, schema: string): Promise<string> {
  const { rows } = await client.query<{ size: string }>(
    `SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) AS size FROM pg_class
     WHERE relnamespace = $1::regnamespace AND relkind = 'r'`,
    [schema],
  );
  return rows[0]?.size ?? '';
}
