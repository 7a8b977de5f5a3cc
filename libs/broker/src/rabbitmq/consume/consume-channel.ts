import type { Channel } from 'amqplib';
import type { WireMessage } from 'agentmq/protocol';
import type { Held } from '../../consuming/dispatcher.js';
import { closed, type Connection, lossOf } from '../connection/connection.js';
import type { ConsumePlan } from './consume-plans.js';
import { numberOf } from '../frames/amqplib-connection.js';
import type { Delivery } from '../frames/channel-reader.js';
import type { Deliveries } from '../../server/reader.js';

/** What a redelivered message of a classic queue counts for, which does not tell how often it was returned. */
const RETURNS_UNCOUNTED = 3;

/** A queue as one channel reads it. */
interface Source {
  /** Deleted, as far as is known: what was fetched from it comes from nowhere else again. */
  cancelled: boolean;
}

/**
 * A channel that reads the queues of a plan, each with its own prefetch (per consumer, which every version has;
 * RabbitMQ 4.3 refuses a prefetch per channel). A message is acknowledged on the channel that delivered it or not at
 * all. Acknowledgements of one turn of the event loop go out together, as one "up to here" where nothing older is open.
 */
export class ConsumeChannel<M extends WireMessage> implements Deliveries {
  readonly gone: Promise<Error>;
  private alive = true;
  private readonly channelNumber: number;
  /** By the tags of the consumers that deliver from them. */
  private readonly sources = new Map<string, Source>();
  private subscribed: object | undefined;
  private nextTag = 0;
  /** Delivery tags not answered for, in ascending order. */
  private readonly held = new Set<number>();
  private acks: number[] = [];

  private constructor(
    private readonly channel: Channel,
    private readonly connection: Connection,
    private readonly plan: ConsumePlan<M>,
    private readonly onDelivery: (held: Held<M>) => void,
  ) {
    this.channelNumber = numberOf(channel);
    channel.prependListener('close', () => (this.alive = false));
    this.gone = lossOf(channel, 'the consuming channel was closed');
  }

  static async open<M extends WireMessage>(
    connection: Connection,
    plan: ConsumePlan<M>,
    onDelivery: (held: Held<M>) => void,
    isPaused: boolean,
  ): Promise<ConsumeChannel<M>> {
    const opened = new ConsumeChannel(await connection.model.createChannel(), connection, plan, onDelivery);
    connection.reader.listen(opened.channel, { onDelivery: (delivery) => opened.take(delivery) });
    try {
      if (!isPaused) await opened.subscribe();
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  get isAlive(): boolean {
    return this.alive;
  }

  /** Another object with each subscription, once all its consumers are at the broker; undefined while there is none. */
  get subscription(): object | undefined {
    return this.subscribed;
  }

  async stop(): Promise<void> {
    this.subscribed = undefined;
    await Promise.allSettled([...this.sources.keys()].map((tag) => this.channel.cancel(tag)));
    this.sources.clear();
  }

  async resume(): Promise<void> {
    if (this.subscribed || !this.alive) return;
    // Its queue may be missing, say: declared anew, it is read over another channel.
    await this.subscribe().catch(() => this.close());
  }

  /** On a channel that is gone it does nothing, nor does `giveBack`: the broker has taken the message back. */
  ack(tag: number): void {
    if (!this.held.delete(tag)) return;
    if (this.acks.push(tag) === 1) this.connection.writer.beforeFlush(() => this.writeAcks());
  }

  giveBack(tag: number): void {
    if (this.held.delete(tag) && this.alive) this.connection.writer.giveBack(this.channelNumber, tag);
  }

  async close(): Promise<void> {
    this.writeAcks();
    // What is written to a channel after its end closes the connection.
    this.alive = false;
    this.connection.reader.ignore(this.channel);
    await closed(this.channel);
  }

  private async subscribe(): Promise<void> {
    const { channel, plan } = this;
    for (const { name, prefetch } of plan.queues) {
      // Never one that was used before: what is held of an earlier consumer is not to count for the prefetch of a later one.
      const consumerTag = String(this.nextTag++);
      const source: Source = { cancelled: false };
      this.sources.set(consumerTag, source);
      // Called when the broker has cancelled the consumer, since the queue was deleted or its node went away.
      const cancelled = (): void => {
        source.cancelled = true;
        void this.close();
      };
      await channel.prefetch(prefetch);
      await channel.consume(name, cancelled, { consumerTag });
    }
    this.subscribed = {};
  }

  private take(delivery: Delivery): void {
    const { consumerTag, tag, redelivered, deliveryCount } = delivery;
    const source = this.sources.get(consumerTag);
    if (!source) return;
    this.held.add(tag);
    const returns = deliveryCount ?? (redelivered ? RETURNS_UNCOUNTED : 0);
    this.onDelivery(new HeldDelivery(this.plan.read(delivery), returns, this, source, tag));
  }

  private writeAcks(): void {
    const acks = this.acks;
    this.acks = [];
    if (acks.length === 0 || !this.alive) return;
    const oldestHeld = this.held.values().next().value ?? Infinity;
    let upTo = 0;
    for (const tag of acks) if (tag < oldestHeld && tag > upTo) upTo = tag;
    const { writer } = this.connection;
    if (upTo > 0) writer.ack(this.channelNumber, upTo, true);
    for (const tag of acks) if (tag > oldestHeld) writer.ack(this.channelNumber, tag, false);
  }
}

class HeldDelivery<M extends WireMessage> implements Held<M> {
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
