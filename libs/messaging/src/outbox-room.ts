import type { MessageStore } from 'agentmq/message-store';
import { Bound } from './bound.js';
import { OutboxFullError } from './errors.js';

/**
 * How full the outbox is, as far as this process knows: counted in the store now and then, and in between by what this
 * process adds and settles. Others add too, so the limit can be exceeded by what they add between two counts.
 */
export class OutboxRoom {
  /** Entries in the store. */
  private known = 0;
  /** Entries being added by this process. */
  private adding = 0;
  /** What this process did to the number while the store was counting. */
  private since = 0;
  /** Sends that have not been committed, those that wait for the store or for room included. */
  private readonly uncommitted: Bound;

  constructor(
    private readonly limit: number,
    private readonly maxBytes: number,
  ) {
    this.uncommitted = new Bound(limit, maxBytes);
  }

  /** Counts a send until it is over. Throws `OutboxFullError` when too much waits in this process. */
  hold(bytes: number): () => void {
    if (!this.uncommitted.fits(bytes)) throw new OutboxFullError(this.limit, this.maxBytes);
    return this.uncommitted.enter(bytes);
  }

  /** Adds entries by `work`, one unless given. Rejects with `OutboxFullError` when there is no room for one. */
  async add<T>(work: () => Promise<T>, entries = 1): Promise<T> {
    if (this.known + this.adding >= this.limit) throw new OutboxFullError(this.limit);
    this.adding += entries;
    try {
      const result = await work();
      this.change(entries);
      return result;
    } finally {
      this.adding -= entries;
    }
  }

  /** An entry was closed. */
  settled(): void {
    this.change(-1);
  }

  /** Counts in the store. Rejects as the store does. */
  async sample(store: Pick<MessageStore, 'outboxSize'>): Promise<void> {
    this.since = 0;
    const size = await store.outboxSize(this.limit);
    this.known = Math.max(0, size + this.since);
  }

  private change(by: number): void {
    this.since += by;
    this.known = Math.max(0, this.known + by);
  }
}
