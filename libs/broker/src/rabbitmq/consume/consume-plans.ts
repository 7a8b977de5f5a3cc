import type { WireMessage } from 'agentmq/protocol';
import type { DeadLettered, Inbox, Incoming, Topics } from '../../broker.js';
import { LANES, splitPrefetch } from '../../lanes.js';
import type { Topology } from '../../topology.js';
import type { Connection } from '../connection/connection.js';
import { readDeadLetter } from './dead-letters.js';
import {
  bind,
  isOnNodeThatIsDown,
  provideDeadLetters,
  provideExchanges,
  provideQueues,
  unbind,
} from '../queues/declarations.js';
import type { RabbitMqSettings } from '../options.js';
import type { Delivery } from '../frames/channel-reader.js';
import { inboxOptions } from '../queues/queue-options.js';
import type { Remarks } from '../../server/remarks.js';

/** What a consumer reads, and how. */
export interface ConsumePlan<M extends WireMessage> {
  /** The queue of normal priority. */
  readonly name: string;
  /** Subscribed to in this order. */
  readonly queues: readonly { readonly name: string; readonly prefetch: number }[];
  /** Makes exchanges, queues and bindings exist. Throws `TopologyError`. */
  declare(connection: Connection): Promise<void>;
  /** The same but for the queues that are read: their loss is the consumer's to notice. */
  mend(connection: Connection): Promise<void>;
  /** Must not throw. */
  read(delivery: Delivery): M;
}

/** Both lanes of an inbox. */
export class InboxPlan implements ConsumePlan<Incoming> {
  readonly queues: ConsumePlan<Incoming>['queues'];

  /** Throws `InvalidMessageError` for a name that an inbox can't have. */
  constructor(
    private inbox: Inbox,
    prefetch: number,
    private readonly topology: Topology,
    private readonly settings: RabbitMqSettings,
    private readonly remarks: Remarks,
  ) {
    const share = splitPrefetch(prefetch);
    this.queues = LANES.map((lane) => ({ name: topology.queue(inbox.owner, lane), prefetch: share[lane] }));
  }

  get name(): string {
    return this.topology.queue(this.owner, 'normal');
  }

  get owner(): Inbox['owner'] {
    return this.inbox.owner;
  }

  /** What is to be bound, and once not to be, from now on. */
  setTopics({ topics, dropped = [] }: Topics): void {
    this.inbox = { owner: this.owner, topics, dropped: [...new Set([...(this.inbox.dropped ?? []), ...dropped])] };
  }

  async declare(connection: Connection): Promise<void> {
    const { topology, settings, remarks } = this;
    // First, so that nothing that expires in the inbox has nowhere to go.
    await this.provideSurroundings(connection);
    const options = inboxOptions(this.owner, topology, settings);
    await provideQueues(
      connection,
      this.queues.map(({ name }) => ({ name, options })),
      remarks,
    );
    await this.bindLanes(connection);
  }

  async mend(connection: Connection): Promise<void> {
    await this.provideSurroundings(connection);
    await this.bindLanes(connection);
  }

  read({ exchange, routingKey, redelivered, properties, body }: Delivery): Incoming {
    return { properties, body, recipient: this.topology.recipientOf(exchange, routingKey, this.owner), redelivered };
  }

  private async provideSurroundings(connection: Connection): Promise<void> {
    const { topology, settings, remarks } = this;
    await provideExchanges(connection, topology, remarks);
    // A classic queue of dead letters on a node that is down does not keep inboxes on other nodes from being read.
    await provideDeadLetters(connection, topology, settings, remarks).catch((error: unknown) => {
      if (!isOnNodeThatIsDown(error)) throw error;
    });
  }

  private async bindLanes(connection: Connection): Promise<void> {
    const { inbox, topology } = this;
    for (const lane of LANES) {
      const queue = topology.queue(inbox.owner, lane);
      await bind(connection, queue, topology.bindings(inbox, lane));
      if (inbox.dropped?.length) await unbind(connection, queue, topology.droppedBindings(inbox, lane));
    }
    // What was dropped is unbound by now; another instance that binds it later is not to lose it.
    if (this.inbox === inbox) this.inbox = { owner: inbox.owner, topics: inbox.topics };
  }
}

/** The namespace's queue of dead letters. */
export function deadLetterPlan(
  prefetch: number,
  topology: Topology,
  settings: RabbitMqSettings,
  remarks: Remarks,
): ConsumePlan<DeadLettered> {
  return {
    name: topology.deadLetters,
    queues: [{ name: topology.deadLetters, prefetch }],
    async declare(connection) {
      await provideExchanges(connection, topology, remarks);
      await provideDeadLetters(connection, topology, settings, remarks);
    },
    async mend(connection) {
      await provideExchanges(connection, topology, remarks);
      await bind(connection, topology.deadLetters, [topology.deadLetterBinding]);
    },
    read: (delivery) => readDeadLetter(delivery, topology),
  };
}
