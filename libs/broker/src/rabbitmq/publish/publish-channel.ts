import type { ConfirmChannel, Message } from 'amqplib';
import type { WireMessage } from 'agentmq/protocol';
import type { Topology } from '../../topology.js';
import { closed, type Connection, lossOf } from '../connection/connection.js';
import { provideExchanges } from '../queues/declarations.js';
import { numberOf } from '../frames/amqplib-connection.js';
import { PUBLICATION_HEADER } from '../frames/basic-properties.js';
import type { Losable } from '../../server/keeper.js';
import type { RabbitMqOutgoing } from './outgoing.js';
import type { Remarks } from '../../server/remarks.js';

/** RabbitMQ's direct reply-to: answers come over the channel that the request was published on, through no queue. */
export const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';

export interface PublishChannelEvents {
  /** The broker has taken it, or refused it. */
  onConfirm(outgoing: RabbitMqOutgoing, taken: boolean): void;
  onReply(reply: WireMessage): void;
}

/** A confirm channel with the exchanges declared and answers to requests arriving. */
export class PublishChannel implements Losable {
  readonly gone: Promise<Error>;
  lost = false;
  unconfirmedBytes = 0;
  /** What was written and neither confirmed nor refused, by its number on this channel, in order. */
  private readonly written = new Map<number, RabbitMqOutgoing>();
  private lastNumber = 0;
  private readonly channelNumber: number;

  private constructor(
    private readonly channel: ConfirmChannel,
    private readonly connection: Connection,
    private readonly events: PublishChannelEvents,
  ) {
    this.channelNumber = numberOf(channel);
    this.gone = lossOf(channel, 'the publishing channel was closed').then((reason) => this.causeOf(reason));
    channel.prependListener('close', () => (this.lost = true));
    // The confirm of what is returned comes after this.
    channel.on('return', ({ properties }: Message) => {
      const outgoing = this.written.get(properties.headers?.[PUBLICATION_HEADER] as number);
      if (outgoing) outgoing.returned = true;
    });
  }

  static async open(
    connection: Connection,
    topology: Topology,
    remarks: Remarks,
    events: PublishChannelEvents,
  ): Promise<PublishChannel> {
    await provideExchanges(connection, topology, remarks);
    const opened = new PublishChannel(await connection.model.createConfirmChannel(), connection, events);
    connection.reader.listen(opened.channel, {
      onDelivery: ({ properties, body }) => events.onReply({ properties, body }),
      onConfirm: (number, multiple, taken) => opened.confirmed(number, multiple, taken),
    });
    await opened.channel.consume(DIRECT_REPLY_TO, () => undefined, { noAck: true });
    return opened;
  }

  get blocked(): boolean {
    return this.connection.blocked;
  }

  get unconfirmed(): number {
    return this.written.size;
  }

  /** Throws `InvalidMessageError` for a message that AMQP has no form for. */
  publish(outgoing: RabbitMqOutgoing): void {
    const number = this.lastNumber + 1;
    this.connection.writer.publish(this.channelNumber, outgoing.address, outgoing.message, number);
    this.lastNumber = number;
    this.written.set(number, outgoing);
    this.unconfirmedBytes += outgoing.message.body.length;
  }

  async close(): Promise<void> {
    this.lost = true;
    await closed(this.channel);
  }

  private confirmed(upTo: number, multiple: boolean, taken: boolean): void {
    if (!multiple) return this.settle(upTo, this.written.get(upTo), taken);
    for (const [number, outgoing] of this.written) {
      if (number > upTo) return;
      this.settle(number, outgoing, taken);
    }
  }

  private settle(number: number, outgoing: RabbitMqOutgoing | undefined, taken: boolean): void {
    if (!outgoing) return;
    this.written.delete(number);
    this.unconfirmedBytes -= outgoing.message.body.length;
    if (!this.lost) this.events.onConfirm(outgoing, taken);
  }

  /** A channel that goes with its connection is not told why. */
  private async causeOf(reason: Error & { code?: unknown }): Promise<Error> {
    if (reason.code !== undefined) return reason;
    const soon = new Promise<Error>((resolve) => setImmediate(() => resolve(reason)));
    return Promise.race([this.connection.gone, soon]);
  }
}
