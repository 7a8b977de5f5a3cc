import { randomUUID } from 'node:crypto';
import type { Channel } from 'amqplib';
import type { Incoming } from '../../broker.js';
import type { Topology } from '../../topology.js';
import { closed, type Connection, lossOf } from '../connection/connection.js';
import { bind, provideExchanges } from '../queues/declarations.js';
import type { Keeper, Losable } from '../../server/keeper.js';
import { Reader } from '../../server/reader.js';
import type { RabbitMqSettings } from '../options.js';
import type { Delivery } from '../frames/channel-reader.js';
import { listeningOptions } from '../queues/queue-options.js';
import { declaring } from '../queues/refusals.js';
import type { Remarks } from '../../server/remarks.js';

/** Hears topics over a queue of its own, which RabbitMQ removes with its channel, and which is made anew on the next one. */
export class RabbitMqListener extends Reader<ListenChannel> {
  constructor(
    private readonly connections: Keeper<Connection>,
    private readonly topics: readonly string[],
    private readonly handler: (message: Incoming) => void,
    private readonly topology: Topology,
    settings: RabbitMqSettings,
    private readonly remarks: Remarks,
    onClose: () => void,
  ) {
    super(settings, onClose);
  }

  get name(): string {
    return this.topics.join(', ');
  }

  reads(queue: string): boolean {
    return this.keeper.current?.queue === queue;
  }

  async mend(connection: Connection): Promise<void> {
    const open = this.keeper.current;
    if (!open || this.closing) return;
    await provideExchanges(connection, this.topology, this.remarks);
    try {
      await bind(connection, open.queue, this.topology.listeningBindings(this.topics));
    } catch (error) {
      // The queue goes with its channel, which may have been closed meanwhile.
      if (this.keeper.current === open && !this.closing) throw error;
    }
  }

  protected async open(): Promise<ListenChannel> {
    const connection = await this.connections.opened();
    // A name of its own each time: while RabbitMQ has not noticed the loss of a connection, the old queue is still locked.
    const queue = this.topology.listeningQueue(randomUUID());
    const opened = new ListenChannel(await connection.model.createChannel(), connection, queue);
    try {
      await provideExchanges(connection, this.topology, this.remarks);
      await opened.subscribe((message) => this.hear(message));
      await bind(connection, queue, this.topology.listeningBindings(this.topics));
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  /** An exception would close the connection. */
  private hear({ routingKey, redelivered, properties, body }: Delivery): void {
    if (this.closing) return;
    try {
      this.handler({ properties, body, recipient: { kind: 'topic', name: routingKey }, redelivered });
    } catch {
      return;
    }
  }

  protected async shut(): Promise<void> {
    await this.keeper.stop()?.close();
  }
}

class ListenChannel implements Losable {
  readonly gone: Promise<Error>;

  constructor(
    private readonly channel: Channel,
    private readonly connection: Connection,
    readonly queue: string,
  ) {
    this.gone = lossOf(channel, 'the listening channel was closed');
  }

  /** Reads its queue, not bound yet: one that had no consumer yet would stay when a binding fails. */
  async subscribe(hear: (delivery: Delivery) => void): Promise<void> {
    const { channel, connection, queue } = this;
    await declaring(queue, channel.assertQueue(queue, listeningOptions));
    connection.reader.listen(channel, { onDelivery: hear });
    // Called when the broker has cancelled the consumer, since the queue was deleted or its node went away.
    await channel.consume(queue, () => void this.close(), { noAck: true });
  }

  async close(): Promise<void> {
    this.connection.reader.ignore(this.channel);
    await closed(this.channel);
  }
}
