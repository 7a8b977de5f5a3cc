import { openStates, type StoredSubscription } from 'agentmq/message-store';
import { print, printJson } from '../output.js';
import { table, type TableColumn } from '../report/index.js';
import { UsageError } from './errors.js';
import { replayAll } from './replay.js';
import { withStore } from './with-store.js';

export interface MoveOptions {
  readonly dead: boolean;
  readonly keepSubscriptions: boolean;
  readonly dryRun: boolean;
  readonly rate?: number;
}

export interface SubscriptionsOptions {
  readonly consumer?: string;
  readonly json: boolean;
}

/** Makes what a consumer is owed another one's: its subscriptions first, so that nothing new is owed to it meanwhile. */
export async function moveDeliveries(from: string, to: string, options: MoveOptions): Promise<void> {
  const { dead, keepSubscriptions, dryRun, rate } = options;
  if (from === to) throw new UsageError(`${from} is to be moved to itself`);
  await withStore(async (store, settings) => {
    if (!keepSubscriptions && !dryRun) {
      for (const pattern of await store.subscriptions.move(from, to)) {
        print(`${to} is subscribed to ${pattern} in place of ${from}`);
      }
    }
    const selection = { consumer: from, states: dead ? ([...openStates, 'dead'] as const) : openStates };
    const run = { to, move: true, dryRun, ...(rate === undefined ? {} : { rate }) };
    await replayAll(store, settings.messaging.outboxLimit, selection, run);
  });
}

/** Prints what consumers are subscribed to, and what has ended and why: a table, or JSON. */
export function listSubscriptions({ consumer, json }: SubscriptionsOptions): Promise<void> {
  return withStore(async (store) => {
    const rows = await store.subscriptions.list(consumer);
    if (json) printJson(rows);
    else print(...render(rows));
  });
}

/** Ends a subscription until an instance that declares it starts. */
export function unsubscribe(consumer: string, pattern: string): Promise<void> {
  return withStore(async (store) => {
    if (!(await store.subscriptions.end(consumer, pattern, 'ended by an operator'))) {
      throw new UsageError(`${consumer} is not subscribed to ${pattern}`);
    }
    print(`${consumer} is not subscribed to ${pattern} any more`);
  });
}

const columns: readonly TableColumn[] = [
  { title: 'consumer', align: 'left', least: 10 },
  { title: 'pattern', align: 'left', least: 8 },
  { title: 'since', align: 'left', optional: 1 },
  { title: 'state', align: 'left', least: 12 },
];

function render(rows: readonly StoredSubscription[]): string[] {
  if (rows.length === 0) return ['no subscriptions'];
  const cells = rows.map((row) => [row.consumer, row.pattern || '(broadcasts)', row.since.toISOString(), stateOf(row)]);
  return table(columns, cells, process.stdout.columns ?? WIDTH);
}

const WIDTH = 160;

function stateOf({ endedAt, reason, undeclaredSince }: StoredSubscription): string {
  if (endedAt) return `ended ${endedAt.toISOString()}: ${reason}`;
  return undeclaredSince ? `declared by no live instance since ${undeclaredSince.toISOString()}` : 'in force';
}
