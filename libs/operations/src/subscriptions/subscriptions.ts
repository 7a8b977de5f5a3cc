import type { ConsumerName, Store, StoredSubscription } from 'agentmq/message-store';
import type { Audit } from '../audit/audit.js';
import { SubscriptionNotFoundError } from '../errors.js';
import type { Actor } from '../views/changes.js';
import { pageOf } from '../views/page-of.js';
import type { Page, PageQuery } from '../views/page.js';

export type SubscriptionRow = StoredSubscription;

/** What consumers are subscribed to. */
export class Subscriptions {
  constructor(
    private readonly store: Pick<Store, 'database' | 'subscriptions'>,
    private readonly audit: Audit,
  ) {}

  /** By consumer and pattern, what has ended included. Rejects with `InvalidSelectionError` for an `after` that no page gave. */
  async list({ consumer, ...page }: PageQuery & { readonly consumer?: ConsumerName } = {}): Promise<
    Page<SubscriptionRow>
  > {
    // A consumer's name has no character that sorts before a blank.
    return pageOf(await this.store.subscriptions.list(consumer), (row) => `${row.consumer} ${row.pattern}`, page);
  }

  /** Ends one until an instance that declares it starts. Rejects with {@link SubscriptionNotFoundError}. */
  async end(actor: Actor, consumer: ConsumerName, pattern: string): Promise<void> {
    await this.store.database.ownTransaction(async (transaction) => {
      const ended = await this.store.subscriptions.end(consumer, pattern, `ended by ${actor.name}`, transaction);
      if (!ended) throw new SubscriptionNotFoundError(consumer, pattern);
      const entry = { action: 'subscriptions.end', target: `${pattern} of ${consumer}`, rows: 1 };
      await this.audit.record(actor, entry, transaction);
    });
  }
}
