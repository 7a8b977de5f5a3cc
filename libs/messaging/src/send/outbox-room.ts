import type { MessageStore, Refusal } from 'agentmq/message-store';
import { Bound } from './bound.js';
import { OutboxFullError } from '../errors.js';

/** What waits in the outbox, as far as this process knows. */
export interface OutboxLoad {
  readonly entries: number;
  readonly limit: number;
  /** Inboxes that are full or missing, with what waits for each and is not among `entries`. */
  readonly refusing: readonly Refusal[];
}

/**
 * How full the outbox is, as far as this process knows: counted in the store now and then, and in between by what this
 * process adds and settles. Others add too, so the limit can be exceeded by what they add between two counts. What a full
 * or missing inbox can't take is counted by itself: the limit then holds for that target alone.
 */
export class OutboxRoom {
  /** Entries in the store. */
  private known = 0;
  /** Entries being added by this process. */
  private adding = 0;
  /** What this process did to the number while the store was counting. */
  private since = 0;
  private refusing = new Map<string, Refusal>();
  /** Sends that have not been committed, those that wait for the store or for room included. */
  private readonly uncommitted: Bound;

  constructor(
    readonly limit: number,
    private readonly maxBytes: number,
  ) {
    this.uncommitted = new Bound(limit, maxBytes);
  }

  get load(): OutboxLoad {
    return { entries: this.known, limit: this.limit, refusing: [...this.refusing.values()] };
  }

  /** Counts a send until it is over. Throws `OutboxFullError` when too much waits in this process. */
  hold(bytes: number): () => void {
    if (!this.uncommitted.fits(bytes)) throw new OutboxFullError(this.limit, { bytes: this.maxBytes });
    return this.uncommitted.enter(bytes);
  }

  /** Adds entries for these targets by `work`. Rejects with `OutboxFullError` when there is no room for one. */
  async add<T>(work: () => Promise<T>, targets: readonly string[]): Promise<T> {
    const full = targets.find((target) => (this.refusing.get(target)?.entries ?? 0) >= this.limit);
    if (full !== undefined) throw new OutboxFullError(this.limit, { target: full });
    const counted = targets.filter((target) => !this.refusing.has(target)).length;
    if (counted > 0 && this.known + this.adding >= this.limit) throw new OutboxFullError(this.limit);
    this.adding += counted;
    try {
      const result = await work();
      for (const target of targets) this.change(target, 1);
      return result;
    } finally {
      this.adding -= counted;
    }
  }

  /** An entry was closed. */
  settled(target: string): void {
    this.change(target, -1);
  }

  /** A target could not take an entry, which goes on waiting for it. */
  refused(target: string): void {
    if (this.refusing.has(target)) return;
    this.change(target, -1);
    this.refusing.set(target, { target, entries: 1, since: new Date() });
  }

  /** Counts in the store. Rejects as the store does. */
  async sample(store: Pick<MessageStore, 'outboxSize' | 'refusals'>): Promise<void> {
    this.since = 0;
    const [size, refusals] = await Promise.all([store.outboxSize(this.limit), store.refusals()]);
    this.known = Math.max(0, size + this.since);
    this.refusing = new Map(refusals.map((refusal) => [refusal.target, refusal]));
  }

  private change(target: string, by: number): void {
    const refusal = this.refusing.get(target);
    if (refusal) {
      this.refusing.set(target, { ...refusal, entries: Math.max(0, refusal.entries + by) });
      return;
    }
    this.since += by;
    this.known = Math.max(0, this.known + by);
  }
}
