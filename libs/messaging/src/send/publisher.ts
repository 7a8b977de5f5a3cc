import { type Broker, BrokerClosedError, NoRecipientError, QueueFullError } from 'agentmq/broker';
import { AgentMQError, errorText, isToMany, toWireError } from 'agentmq/protocol';
import { type MessageStore, type OutboxEntry, type OutboxLease, targetOf } from 'agentmq/message-store';
import { Batcher } from '../batcher.js';
import { FullTargets } from './full-targets.js';
import type { OutboxRoom } from './outbox-room.js';
import { backoff } from 'agentmq/time';
import { publicationOf } from './publication.js';
import type { Tracing } from '../tracing/tracing.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** How long the consumers that took a message to many have to claim it before the others get it one by one. */
const SPLIT_AFTER_MS = 2_000;

/** An entry that could not be published, and when it is due again: after so many ms, or so many attempts. */
interface GivenBack {
  readonly lease: OutboxLease;
  readonly error: string;
  readonly delayMs?: number;
  /** Its target's inbox is full or missing. */
  readonly refused: boolean;
}

/** Publishes outbox entries, settles what the broker confirmed, and gives the rest back to be published later. */
export class Publisher {
  readonly full = new FullTargets();
  private readonly settles: Batcher<OutboxLease, void>;
  private readonly returns: Batcher<GivenBack, void>;
  private readonly splits: Batcher<OutboxLease, void>;

  constructor(
    private readonly broker: Broker,
    private readonly store: MessageStore,
    private readonly room: OutboxRoom,
    private readonly now: () => Date,
    private readonly tracing: Tracing,
    private readonly report: (what: string, error: unknown) => void,
  ) {
    this.settles = new Batcher((leases) => store.settle(leases), { size: 1_000, inFlight: 2 });
    this.splits = new Batcher((leases) => store.split(leases, SPLIT_AFTER_MS, room.limit), {
      size: 1_000,
      inFlight: 1,
    });
    this.returns = new Batcher((entries) => this.postpone(entries), { size: 1_000, inFlight: 1 });
  }

  /** Never rejects. */
  async publish(entry: OutboxEntry): Promise<void> {
    const target = targetOf(entry);
    try {
      await this.broker.publish(publicationOf(entry, this.now()));
      this.tracePublished(entry);
      this.full.accepted(target);
      await this.settle(entry);
    } catch (error) {
      await this.giveBack(entry, target, error).catch((failure: unknown) => this.report('postpone', failure));
    }
  }

  /** Closes the entry of a message that was published. An error leaves it to the relay, and receivers drop the copy. */
  async settle(entry: OutboxEntry): Promise<void> {
    try {
      await this.settles.add({ id: entry.id, lease: entry.lease });
      this.room.settled(targetOf(entry));
    } catch (error) {
      this.report('settle', error);
    }
  }

  /** Records a message as dead at its target, and closes its entry: it will not be published any more. */
  async bury(entry: OutboxEntry, error: unknown): Promise<void> {
    const { message } = entry;
    await this.store.reject([{ message, consumer: targetOf(entry), state: 'dead', error: toWireError(error) }]);
    await this.settle(entry);
  }

  /** A copy for one consumer is told of by what that does with it. */
  private tracePublished({ message, consumer }: OutboxEntry, error?: unknown): void {
    if (consumer === undefined) this.tracing.sent(message, { error });
  }

  private async giveBack(entry: OutboxEntry, target: string, error: unknown): Promise<void> {
    this.tracePublished(entry, error);
    // No later attempt can succeed.
    if (error instanceof AgentMQError && !error.retryable && !(error instanceof BrokerClosedError)) {
      return this.bury(entry, error);
    }
    const text = errorText(error);
    const lease = { id: entry.id, lease: entry.lease };
    const full = error instanceof QueueFullError;
    if (full && entry.consumer === undefined && isToMany(entry.message.recipient)) {
      // All but the full ones have it: they are not to get it again, nor is the topic held up.
      await this.splits.add(lease);
      return this.room.settled(target);
    }
    // A full queue is no fault of the message: how long it waits is the queue's matter, not a question of attempts.
    const delay = full ? { delayMs: this.full.refused(target) } : {};
    const refused = full || error instanceof NoRecipientError;
    await this.returns.add({ lease, error: text, refused, ...delay });
    if (refused) this.room.refused(target);
  }

  /** What failed together comes back together: one statement for each wait and reason. */
  private async postpone(entries: readonly GivenBack[]): Promise<void> {
    const alike = new Map<string, GivenBack[]>();
    for (const entry of entries) {
      const key = `${entry.delayMs === undefined ? `lease ${entry.lease.lease}` : Math.ceil(entry.delayMs)} ${entry.refused} ${entry.error}`;
      const group = alike.get(key);
      if (group) group.push(entry);
      else alike.set(key, [entry]);
    }
    for (const group of alike.values()) {
      const [{ lease, delayMs, error, refused }] = group as [GivenBack];
      const wait = delayMs ?? backoff(lease.lease - 1, FIRST_RETRY_MS, LONGEST_RETRY_MS);
      await this.store.postpone(
        group.map((entry) => entry.lease),
        Math.round(wait),
        error,
        refused,
      );
    }
  }
}
