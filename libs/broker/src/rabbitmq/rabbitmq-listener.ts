import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Incoming } from '../broker.js';
import { TopologyError } from '../errors.js';
import { atMost } from '../patience.js';
import type { Topology } from '../topology.js';
import { type Connection, lossOf } from './connection.js';
import { declareListening } from './declarations.js';
import { Keeper, type Losable } from './keeper.js';
import type { RabbitMqSettings } from './options.js';
import { fromAmqp } from './properties.js';
import type { AnyRabbitMqConsumer } from './rabbitmq-consumer.js';

const CLOSE_TIMEOUT_MS = 1_000;

/** Hears topics over a queue of its own, which RabbitMQ removes with its channel, and which is made anew on the next one. */
export class RabbitMqListener implements AnyRabbitMqConsumer {
  private readonly keeper: Keeper<ListenChannel>;
  private closing: Promise<void> | undefined;

  constructor(
    connections: Keeper<Connection>,
    private readonly topics: readonly string[],
    private readonly handler: (message: Incoming) => void,
    private readonly topology: Topology,
    settings: RabbitMqSettings,
    private readonly onClose: () => void,
  ) {
    this.keeper = new Keeper({
      open: async () => this.open(await connections.opened()),
      givesUp: (error) => error instanceof TopologyError,
      report: settings.report,
      minDelayMs: settings.reconnectMinMs,
      maxDelayMs: settings.reconnectMaxMs,
    });
  }

  get isFlowing(): boolean {
    return this.keeper.current !== undefined;
  }

  start(): void {
    void this.keeper.start();
  }

  async flowing(): Promise<void> {
    await this.keeper.opened();
  }

  close(): Promise<void> {
    this.closing ??= this.shut().finally(() => this.onClose());
    return this.closing;
  }

  private async open(connection: Connection): Promise<ListenChannel> {
    const opened = new ListenChannel(await connection.model.createChannel());
    try {
      await opened.subscribe(this.topology, this.topics, (message) => this.hear(message));
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  /** amqplib closes the connection when a callback throws. */
  private hear(message: ConsumeMessage): void {
    if (this.closing) return;
    const { routingKey, redelivered } = message.fields;
    try {
      this.handler({ ...fromAmqp(message), recipient: { kind: 'topic', name: routingKey }, redelivered });
    } catch {
      return;
    }
  }

  private async shut(): Promise<void> {
    await this.keeper.stop()?.close();
  }
}

class ListenChannel implements Losable {
  readonly gone: Promise<Error>;

  constructor(private readonly channel: Channel) {
    this.gone = lossOf(channel, 'the listening channel was closed');
  }

  async subscribe(
    topology: Topology,
    topics: readonly string[],
    hear: (message: ConsumeMessage) => void,
  ): Promise<void> {
    const { channel } = this;
    // A name of its own each time: while RabbitMQ has not noticed the loss of a connection, the old queue is still locked.
    const queue = topology.listeningQueue(randomUUID());
    await declareListening(channel, queue);
    const deliver = (message: ConsumeMessage | null): void => {
      // Null: the broker has cancelled the consumer, since the queue was deleted or its node went away.
      if (message) hear(message);
      else void this.close();
    };
    // Before it is bound: a queue that had no consumer yet would stay when a binding fails.
    await channel.consume(queue, deliver, { noAck: true });
    for (const { exchange, routingKey } of topology.listeningBindings(topics)) {
      await channel.bindQueue(queue, exchange, routingKey);
    }
  }

  async close(): Promise<void> {
    await atMost(
      CLOSE_TIMEOUT_MS,
      Promise.resolve().then(() => this.channel.close()),
    );
  }
}
