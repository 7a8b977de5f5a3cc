import { toWireError } from 'agentmq/protocol';
import { type OutboxEntry, type OutboxLease, type Store, targetOf } from 'agentmq/message-store';
import { backoff } from 'agentmq/time';
import type { Activity } from '../activity.js';
import { Batcher } from '../batcher.js';
import type { Bound } from './capacity/bound.js';
import { tellEnded } from '../receive/rejected/tell.js';
import type { SendCapacity } from './capacity/send-capacity.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** How long the consumers that took a message to many have to claim it before the others get it one by one. */
const SPLIT_AFTER_MS = 2_000;

/** An entry whose message the broker has taken, and what it is counted in. */
interface Published {
  readonly entry: OutboxEntry;
  readonly bound: Bound | undefined;
}

/** An entry that could not be published, and when it is due again: after so many ms, or so many attempts. */
export interface GivenBack {
  readonly entry: OutboxEntry;
  readonly error: string;
  readonly delayMs?: number;
  /** Its recipient's inbox is full or missing. */
  readonly refused: boolean;
}

/** Ends what was done for an outbox entry: closes it, or gives it back to be published later. All in batches. */
export class Settler {
  private readonly closed: Batcher<Published, void>;
  private readonly returned: Batcher<GivenBack, void>;
  private readonly parted: Batcher<OutboxEntry, void>;

  constructor(
    private readonly store: Pick<Store, 'outbox' | 'deliveries'>,
    private readonly capacity: SendCapacity,
    private readonly activity: Activity,
    onBatch: (items: number) => void,
    private readonly report: (what: string, error: unknown) => void,
  ) {
    this.closed = new Batcher((published) => this.close(published), { size: 1_000, inFlight: 2 }, onBatch);
    this.parted = new Batcher((entries) => this.part(entries), { size: 1_000, inFlight: 1 });
    this.returned = new Batcher((entries) => this.postpone(entries), { size: 1_000, inFlight: 1 });
  }

  /**
   * Closes the entry of a message that was published. An error leaves it to the relay, and receivers drop the copy. The message
   * leaves the bound then, if it is counted in one. Never rejects.
   */
  settle(entry: OutboxEntry, bound?: Bound): Promise<void> {
    return this.closed.add({ entry, bound }).catch((error: unknown) => {
      bound?.leave(entry.message.body.length);
      this.report('settle', error);
    });
  }

  /** Records a message as dead at its recipient, and closes its entry: it will not be published any more. */
  async bury(entry: OutboxEntry, error: unknown): Promise<void> {
    const { message } = entry;
    const rejection = { message, consumer: targetOf(entry), state: 'dead', error: toWireError(error) } as const;
    await this.store.deliveries.reject([rejection]);
    tellEnded(message, rejection.consumer, 'dead', rejection.error);
    await this.settle(entry);
  }

  /** Puts an entry for each consumer that has not taken a message to many in the place of the one for all. */
  split(entry: OutboxEntry): Promise<void> {
    return this.parted.add(entry);
  }

  giveBack(entry: GivenBack): Promise<void> {
    return this.returned.add(entry);
  }

  private async close(published: readonly Published[]): Promise<void> {
    await this.store.outbox.settle(published.map(({ entry }) => leaseOf(entry)));
    for (const { entry, bound } of published) {
      this.capacity.settled(entry);
      bound?.leave(entry.message.body.length);
    }
  }

  private async part(entries: readonly OutboxEntry[]): Promise<void> {
    this.activity.note();
    await this.store.outbox.split(entries.map(leaseOf), SPLIT_AFTER_MS, this.capacity.limit);
    for (const entry of entries) this.capacity.settled(entry);
  }

  /** What failed together comes back together: one statement for each wait and reason. */
  private async postpone(returned: readonly GivenBack[]): Promise<void> {
    this.activity.note();
    const alike = new Map<string, GivenBack[]>();
    for (const each of returned) {
      const { entry, delayMs, refused, error } = each;
      const key = `${delayMs === undefined ? `lease ${entry.lease}` : Math.ceil(delayMs)} ${refused} ${error}`;
      const group = alike.get(key);
      if (group) group.push(each);
      else alike.set(key, [each]);
    }
    for (const group of alike.values()) {
      const [{ entry, delayMs, error, refused }] = group as [GivenBack];
      const wait = Math.round(delayMs ?? backoff(entry.lease - 1, FIRST_RETRY_MS, LONGEST_RETRY_MS));
      const leases = group.map((each) => leaseOf(each.entry));
      await this.store.outbox.postpone(leases, wait, error, refused);
      if (refused) for (const each of group) this.capacity.refused(each.entry);
    }
  }
}

const leaseOf = ({ id, lease }: OutboxEntry): OutboxLease => ({ id, lease });
