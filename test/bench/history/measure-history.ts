import { Store } from 'agentmq/message-store';
import { Client } from 'pg';
import { databaseUrl, randomNamespace, removeNamespace } from '../../support/index.js';
import { median } from '../measure.js';
import { spread } from '../table.js';
import { fill, type History } from './fill.js';
import { hotPath } from './hot-path.js';

export interface HistoryOptions {
  /** Settled messages in the one store. */
  readonly stored: number;
  readonly rounds: number;
  /** Messages of one round. */
  readonly messages: number;
  readonly foreignTraces: boolean;
  readonly report: (text: string) => void;
}

const DAYS = 30;
const DAY_MS = 86_400_000;
/** As the bus forgets: batches of 500. */
const FORGET_BATCH = 500;

/**
 * Whether the store's hot path slows down with its history: rounds against a store that holds `stored` settled messages
 * and against one emptied before every round, in turn and each first in every other round; then how fast history is
 * forgotten, and what the hot path does meanwhile. Makes two namespaces, and removes them whatever happens.
 */
export async function measureHistory(options: HistoryOptions): Promise<string> {
  const names = [randomNamespace('bench_full'), randomNamespace('bench_empty')] as const;
  const [full, empty] = names.map((namespace) => Store.connect({ url: databaseUrl(), namespace })) as [Store, Store];
  const client = new Client({ connectionString: databaseUrl() });
  await client.connect();
  try {
    await full.database.migrate();
    await empty.database.migrate();
    const history: History = { count: options.stored, days: DAYS, foreignTraces: options.foreignTraces };
    await fill(client, full.database.schema, history, options.report);
    const size = await sizes(client, full.database.schema);
    options.report(size);
    const rounds = await compare(client, full, empty, options);
    return [size, rounds, await forgetting(full, options)].join('\n');
  } finally {
    await client.end();
    await full.database.close();
    await empty.database.close();
    for (const name of names) await removeNamespace(name);
  }
}

async function compare(
  client: Client,
  full: Store,
  empty: Store,
  { rounds, messages, foreignTraces, report }: HistoryOptions,
): Promise<string> {
  const measure = async (store: Store): Promise<number> => {
    await client.query(
      store === empty
        ? `TRUNCATE "${empty.database.schema}".messages, "${empty.database.schema}".deliveries, "${empty.database.schema}".outbox`
        : `VACUUM "${full.database.schema}".outbox`,
    );
    return hotPath(store, messages, foreignTraces);
  };
  await measure(empty);
  await measure(full);
  const rates: { full: number; empty: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 ? full : empty;
    const one = await measure(first);
    const other = await measure(first === full ? empty : full);
    const rate = first === full ? { full: one, empty: other } : { full: other, empty: one };
    rates.push(rate);
    report(`round ${round + 1}/${rounds}: full ${perSecond(rate.full)}, empty ${perSecond(rate.empty)}`);
  }
  const medians = [rates.map((rate) => rate.full), rates.map((rate) => rate.empty)].map(median).map(perSecond);
  const ratios = rates.map((rate) => rate.full / rate.empty);
  return `hot path: full ${medians[0]}, empty ${medians[1]}, ratio ${spread(ratios)}`;
}

/** A tenth of the history alone, then a second tenth beside the hot path. */
async function forgetting(store: Store, { stored, messages, foreignTraces }: HistoryOptions): Promise<string> {
  const alone = await forget(store, olderThan(0.1), () => false);
  const quiet = await hotPath(store, messages, foreignTraces);
  let over = false;
  const beside = forget(store, olderThan(0.2), () => over);
  const busy = await hotPath(store, messages, foreignTraces);
  over = true;
  const meanwhile = await beside;
  return [
    `forget, of ${stored.toLocaleString('en')}: ${describe(alone)}`,
    `hot path: ${perSecond(quiet)} before, ${perSecond(busy)} while forget runs without a pause: ${describe(meanwhile)}`,
  ].join('\n');
}

/** The age of what is among the oldest, as a share of all. */
const olderThan = (share: number): number => DAYS * DAY_MS * (1 - share);

interface Forgotten {
  readonly count: number;
  readonly rate: number;
  readonly times: readonly number[];
}

async function forget(store: Store, settledMs: number, stop: () => boolean): Promise<Forgotten> {
  const times: number[] = [];
  const start = performance.now();
  let count = 0;
  let batch = FORGET_BATCH;
  while (batch === FORGET_BATCH && !stop()) {
    const begun = performance.now();
    batch = await store.retention.forget({ settledMs, deadMs: settledMs }, FORGET_BATCH);
    times.push(performance.now() - begun);
    count += batch;
  }
  return { count, rate: (count * 1000) / (performance.now() - start), times };
}

const describe = ({ count, rate, times }: Forgotten): string =>
  `${count.toLocaleString('en')} at ${perSecond(rate)}, a batch of ${FORGET_BATCH} in ${median(times).toFixed(0)} ms (at most ${Math.max(...times).toFixed(0)} ms)`;

async function sizes(client: Client, schema: string): Promise<string> {
  const { rows } = await client.query<{ name: string; size: string }>(
    `SELECT c.relname AS name, pg_size_pretty(pg_relation_size(c.oid)) AS size
     FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND pg_relation_size(c.oid) > 1000000
     ORDER BY pg_relation_size(c.oid) DESC`,
    [schema],
  );
  return rows.map(({ name, size }) => `${name} ${size}`).join(', ');
}

const perSecond = (rate: number): string => `${Math.round(rate).toLocaleString('en')}/s`;
