import { formatRecipient, type Message } from 'agentmq/protocol';
import { type OutboxEntry, type OutboxStore, type Refusal, targetOf } from 'agentmq/message-store';
import type { MessageBusOptions } from '../../bus-options.js';
import { OutboxFullError } from '../../errors.js';
import { Bound } from './bound.js';
import { FullRecipients } from './full-recipients.js';

/** What waits in the outbox, as far as this process knows. */
export interface OutboxLoad {
  readonly entries: number;
  readonly limit: number;
  /** Inboxes that are full or missing, with what waits for each and is not among `entries`. */
  readonly refusing: readonly Refusal[];
}

/** The most that the relay has on its way at once. */
const MOST_RELAYED = 1_500;
/** The most announcements that the broker has not confirmed. */
const MOST_ANNOUNCED = 1_000;

/**
 * Answers whether the sending side may take, or publish, a message now.
 *
 * How full the outbox is, is counted in the store now and then, and in between by what this process adds and settles. Other
 * processes add too, so the limit can be exceeded by what they add between two counts. What a full or missing inbox can't
 * take is counted by itself: the limit then holds for that recipient alone.
 */
export class SendCapacity {
  /** Published right after its commit. What does not fit is left to the relay. */
  readonly direct: Bound;
  readonly relayed: Bound;
  readonly announced = new Bound(MOST_ANNOUNCED, Infinity);
  readonly full = new FullRecipients();
  readonly limit: number;
  private readonly maxBytes: number;
  /** Sends that are not committed, those that wait for the store or for room included. */
  private readonly uncommitted: Bound;
  /** Entries in the store. */
  private entries = 0;
  /** Entries being added by this process. */
  private adding = 0;
  /** What this process did to the number while the store was counting. */
  private since = 0;
  private refusing = new Map<string, Refusal>();

  constructor({
    outboxLimit,
    maxPublishing,
    maxPublishingBytes,
  }: Pick<MessageBusOptions, 'outboxLimit' | 'maxPublishing' | 'maxPublishingBytes'>) {
    this.limit = outboxLimit;
    this.maxBytes = maxPublishingBytes;
    this.uncommitted = new Bound(outboxLimit, maxPublishingBytes);
    this.direct = new Bound(maxPublishing, maxPublishingBytes);
    this.relayed = new Bound(MOST_RELAYED, maxPublishingBytes);
  }

  get load(): OutboxLoad {
    return { entries: this.entries, limit: this.limit, refusing: [...this.refusing.values()] };
  }

  /** Whether nothing waits in the outbox, as far as this process knows. */
  get isEmpty(): boolean {
    return this.entries === 0 && this.refusing.size === 0;
  }

  /** Counts a send until it ends. Throws `OutboxFullError` when too much waits in this process. */
  begin({ body }: Message): void {
    if (!this.uncommitted.fits(body.length)) throw new OutboxFullError(this.limit, { bytes: this.maxBytes });
    this.uncommitted.enter(body.length);
  }

  end({ body }: Message): void {
    this.uncommitted.leave(body.length);
  }

  /** Counts entries that are being added, until they are or are not. Throws `OutboxFullError` when there is no room for one. */
  add(messages: readonly Message[]): void {
    let counted = messages.length;
    if (this.refusing.size > 0) {
      const refusals = messages.flatMap(({ recipient }) => this.refusing.get(formatRecipient(recipient)) ?? []);
      const full = refusals.find(({ entries }) => entries >= this.limit);
      if (full) throw new OutboxFullError(this.limit, { recipient: full.target });
      counted -= refusals.length;
    }
    if (counted > 0 && this.entries + this.adding >= this.limit) throw new OutboxFullError(this.limit);
    this.adding += messages.length;
  }

  added(messages: readonly Message[]): void {
    this.adding -= messages.length;
    for (const message of messages) this.change({ message }, 1);
  }

  notAdded(messages: readonly Message[]): void {
    this.adding -= messages.length;
  }

  /** Whether a message may be published right after its commit, and does not overtake what waits for the same recipient. */
  mayPublish({ recipient, body }: Message): boolean {
    return this.direct.fits(body.length) && (this.full.isEmpty || !this.full.has(formatRecipient(recipient)));
  }

  /** The broker took an entry's message. */
  accepted(entry: OutboxEntry): void {
    if (!this.full.isEmpty) this.full.accepted(targetOf(entry));
  }

  /** An entry was closed. */
  settled(entry: OutboxEntry): void {
    this.change(entry, -1);
  }

  /** The recipient's inbox is full or missing; the entry goes on waiting for it. */
  refused(entry: OutboxEntry): void {
    const target = targetOf(entry);
    if (this.refusing.has(target)) return;
    this.change(entry, -1);
    this.refusing.set(target, { target, entries: 1, since: new Date() });
  }

  /** Counts in the store. Rejects as the store does. */
  async sample(outbox: Pick<OutboxStore, 'size' | 'refusals'>): Promise<void> {
    this.since = 0;
    const [size, refusals] = await Promise.all([outbox.size(this.limit), outbox.refusals()]);
    this.entries = Math.max(0, size + this.since);
    this.refusing = new Map(refusals.map((refusal) => [refusal.target, refusal]));
  }

  private change(entry: Pick<OutboxEntry, 'message' | 'consumer'>, by: number): void {
    const refusal = this.refusing.size > 0 ? this.refusing.get(targetOf(entry)) : undefined;
    if (refusal) {
      this.refusing.set(refusal.target, { ...refusal, entries: Math.max(0, refusal.entries + by) });
      return;
    }
    this.since += by;
    this.entries = Math.max(0, this.entries + by);
  }
}
