import { type Broker, BrokerClosedError, QueueFullError } from 'agentmq/broker';
import { AgentMQError, toWireError } from 'agentmq/contracts';
import { type MessageStore, type OutboxEntry, type OutboxLease, targetOf } from 'agentmq/message-store';
import { Batcher } from './batcher.js';
import { FullTargets } from './full-targets.js';
import type { OutboxRoom } from './outbox-room.js';
import { backoff } from './patience.js';
import { publicationOf } from './publication.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** An entry that could not be published, and when it is due again: after so many ms, or so many attempts. */
interface GivenBack {
  readonly lease: OutboxLease;
  readonly error: string;
  readonly delayMs?: number;
}

/** Publishes outbox entries, settles what the broker confirmed, and gives the rest back to be published later. */
export class Publisher {
  readonly full = new FullTargets();
  private readonly settles: Batcher<OutboxLease, void>;
  private readonly returns: Batcher<GivenBack, void>;

  constructor(
    private readonly broker: Broker,
    private readonly store: MessageStore,
    private readonly room: OutboxRoom,
    private readonly now: () => Date,
    private readonly report: (what: string, error: unknown) => void,
  ) {
    this.settles = new Batcher((leases) => store.settle(leases).then(() => []), { size: 1_000, inFlight: 2 });
    this.returns = new Batcher((entries) => this.postpone(entries).then(() => []), { size: 1_000, inFlight: 1 });
  }

  /** Never rejects. */
  async publish(entry: OutboxEntry): Promise<void> {
    const target = targetOf(entry);
    try {
      await this.broker.publish(publicationOf(entry, this.now()));
      this.full.accepted(target);
      await this.settle(entry);
    } catch (error) {
      await this.giveBack(entry, target, error).catch((failure: unknown) => this.report('postpone', failure));
    }
  }

  /** Closes the entry of a message that was published. An error leaves it to the relay, and receivers drop the copy. */
  async settle({ id, lease }: OutboxLease): Promise<void> {
    try {
      await this.settles.add({ id, lease });
      this.room.settled();
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

  private async giveBack(entry: OutboxEntry, target: string, error: unknown): Promise<void> {
    // No later attempt can succeed.
    if (error instanceof AgentMQError && !error.retryable && !(error instanceof BrokerClosedError)) {
      return this.bury(entry, error);
    }
    const text = error instanceof Error ? error.message : String(error);
    const lease = { id: entry.id, lease: entry.lease };
    // A full queue is no fault of the message: how long it waits is the queue's matter, not a question of attempts.
    const delay = error instanceof QueueFullError ? { delayMs: this.full.refused(target) } : {};
    await this.returns.add({ lease, error: text, ...delay });
  }

  /** What failed together comes back together: one statement for each wait and reason. */
  private async postpone(entries: readonly GivenBack[]): Promise<void> {
    const alike = new Map<string, GivenBack[]>();
    for (const entry of entries) {
      const key = `${entry.delayMs === undefined ? `lease ${entry.lease.lease}` : Math.ceil(entry.delayMs)} ${entry.error}`;
      const group = alike.get(key);
      if (group) group.push(entry);
      else alike.set(key, [entry]);
    }
    for (const group of alike.values()) {
      const [{ lease, delayMs, error }] = group as [GivenBack];
      const wait = delayMs ?? backoff(lease.lease - 1, FIRST_RETRY_MS, LONGEST_RETRY_MS);
      await this.store.postpone(
        group.map((entry) => entry.lease),
        Math.round(wait),
        error,
      );
    }
  }
}
