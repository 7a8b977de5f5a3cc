import { Audit, type SubscriptionRow, Subscriptions } from 'agentmq/operations';
import { commandActor } from '../command/actor.js';
import type { ListOptions } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { age, print, printPage, type TableView } from '../output/index.js';

export interface SubscriptionsOptions extends ListOptions {
  readonly consumer?: string;
}

/** Prints what consumers are subscribed to, and what has ended and why. */
export function listSubscriptions({ json, ...query }: SubscriptionsOptions): Promise<void> {
  return withStore(async (store) => {
    const subscriptions = new Subscriptions(store, new Audit(store.database));
    printPage(await subscriptions.list(query), json, view);
  });
}

/** Ends a subscription until an instance that declares it starts. Rejects with `SubscriptionNotFoundError`. */
export function unsubscribe(consumer: string, pattern: string): Promise<void> {
  return withStore(async (store) => {
    const subscriptions = new Subscriptions(store, new Audit(store.database));
    await subscriptions.end(commandActor(), consumer, pattern);
    print(`${consumer} is not subscribed to ${pattern} any more`);
  });
}

const view: TableView<SubscriptionRow> = {
  columns: [
    { title: 'consumer', align: 'left', least: 10, cell: ({ consumer }) => consumer },
    { title: 'pattern', align: 'left', least: 8, cell: ({ pattern }) => pattern || '(broadcasts)' },
    { title: 'since', align: 'right', optional: 1, cell: ({ since }) => age(since) },
    { title: 'state', align: 'left', least: 12, cell: stateOf },
  ],
  none: 'no subscriptions',
};

function stateOf({ endedAt, reason, undeclaredSince }: SubscriptionRow): string {
  if (endedAt) return `ended ${endedAt.toISOString()}: ${reason}`;
  return undeclaredSince ? `declared by no live instance since ${undeclaredSince.toISOString()}` : 'in force';
}
