import type { Channel, ConsumeMessage } from 'amqplib';
import type { WireMessage } from 'agentmq/protocol';
import type { Held } from '../dispatcher.js';
import { within } from 'agentmq/time';
import { type Connection, lossOf } from './connection.js';
import type { ConsumePlan } from './consume-plans.js';
import type { Losable } from '../keeper.js';
import { returnsOf } from './properties.js';

const CLOSE_TIMEOUT_MS = 1_000;

/**
 * A channel that reads the queues of a plan, each with its own prefetch (per consumer, which every version has;
 * RabbitMQ 4.3 refuses a prefetch per channel). A message is acknowledged on the channel that delivered it or not at
 * all. Acknowledgements of one turn of the event loop go out together, as one "up to here" where nothing older is open.
 */
export class ConsumeChannel<M extends WireMessage> implements Losable {
  readonly gone: Promise<Error>;
  private alive = true;
  private readonly tags: string[] = [];
  /** Delivery tags not answered for, in ascending order. */
  private readonly held = new Set<number>();
  private acks: number[] = [];

  private constructor(
    private readonly channel: Channel,
    private readonly plan: ConsumePlan<M>,
    private readonly onDelivery: (held: Held<M>) => void,
  ) {
    channel.prependListener('close', () => (this.alive = false));
    this.gone = lossOf(channel, 'the consuming channel was closed');
  }

  static async open<M extends WireMessage>(
    connection: Connection,
    plan: ConsumePlan<M>,
    onDelivery: (held: Held<M>) => void,
  ): Promise<ConsumeChannel<M>> {
    const opened = new ConsumeChannel(await connection.model.createChannel(), plan, onDelivery);
    try {
      await opened.subscribe(connection);
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  get isAlive(): boolean {
    return this.alive;
  }

  /** Ends the deliveries; what was delivered stays to be answered for. */
  async cancel(): Promise<void> {
    await Promise.allSettled(this.tags.map((tag) => this.channel.cancel(tag)));
  }

  ack(tag: number): void {
    if (!this.held.delete(tag)) return;
    if (this.acks.push(tag) === 1) setImmediate(() => this.flush());
  }

  giveBack(tag: number): void {
    if (this.held.delete(tag)) this.sending(() => this.channel.nack(messageOf(tag), false, true));
  }

  async close(): Promise<void> {
    this.flush();
    await within(
      CLOSE_TIMEOUT_MS,
      Promise.resolve().then(() => this.channel.close()),
    );
    this.alive = false;
  }

  private async subscribe(connection: Connection): Promise<void> {
    const { channel, plan } = this;
    await plan.declare(connection);
    for (const { name, prefetch } of plan.queues) {
      const source: Source = { cancelled: false };
      const deliver = (message: ConsumeMessage | null): void => {
        if (message) return this.onDelivery(this.take(message, source));
        // The broker has cancelled the consumer, since the queue was deleted or its node went away.
        source.cancelled = true;
        void this.close();
      };
      await channel.prefetch(prefetch);
      const { consumerTag } = await channel.consume(name, deliver);
      this.tags.push(consumerTag);
    }
  }

  private take(message: ConsumeMessage, source: Source): Held<M> {
    const { deliveryTag } = message.fields;
    this.held.add(deliveryTag);
    return new Delivery(this.plan.read(message), returnsOf(message), this, source, deliveryTag);
  }

  private flush(): void {
    const acks = this.acks;
    if (acks.length === 0) return;
    this.acks = [];
    const oldestHeld = this.held.values().next().value ?? Infinity;
    let upTo = 0;
    for (const tag of acks) if (tag < oldestHeld && tag > upTo) upTo = tag;
    this.sending(() => {
      if (upTo > 0) this.channel.ack(messageOf(upTo), true);
      for (const tag of acks) if (tag > oldestHeld) this.channel.ack(messageOf(tag));
    });
  }

  /** On a channel that is gone, or going, it does nothing: the broker has taken the messages back. */
  private sending(send: () => void): void {
    if (!this.alive) return;
    try {
      send();
    } catch {
      this.alive = false;
    }
  }
}

/** A queue as one channel reads it. */
interface Source {
  /** Deleted, as far as is known: what was fetched from it comes from nowhere else again. */
  cancelled: boolean;
}

class Delivery<M extends WireMessage> implements Held<M> {
  constructor(
    readonly message: M,
    readonly returns: number,
    private readonly channel: ConsumeChannel<M>,
    private readonly source: Source,
    private readonly tag: number,
  ) {}

  get stale(): boolean {
    return !this.channel.isAlive && !this.source.cancelled;
  }

  accept(): void {
    this.channel.ack(this.tag);
  }

  giveBack(): void {
    this.channel.giveBack(this.tag);
  }
}

/** All that amqplib needs of a message to answer for it. */
const messageOf = (deliveryTag: number): ConsumeMessage => ({ fields: { deliveryTag } }) as ConsumeMessage;
