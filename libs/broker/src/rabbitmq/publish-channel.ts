import type { ConfirmChannel } from 'amqplib';
import type { WireMessage } from 'agentmq/protocol';
import type { Topology } from '../topology.js';
import { within } from 'agentmq/time';
import { type Connection, lossOf } from './connection.js';
import { provideExchanges } from './declarations.js';
import type { Losable } from '../keeper.js';
import { fromAmqp, publicationIdOf } from './properties.js';
import type { Remarks } from '../remarks.js';

const CLOSE_TIMEOUT_MS = 1_000;

/** RabbitMQ's direct reply-to: answers come over the channel that the request was published on, through no queue. */
export const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';

export interface PublishChannelEvents {
  /** The broker found no queue for the publication with this id; its confirm comes after this. */
  onReturn(publicationId: number): void;
  onReply(reply: WireMessage): void;
}

/** A confirm channel with the exchanges declared and answers to requests arriving. */
export class PublishChannel implements Losable {
  readonly gone: Promise<Error>;
  /** Publications written and neither confirmed nor refused. */
  unconfirmed = 0;
  unconfirmedBytes = 0;
  /** Set before amqplib fails what was unconfirmed. */
  lost = false;

  private constructor(
    readonly channel: ConfirmChannel,
    private readonly connection: Connection,
  ) {
    this.gone = lossOf(channel, 'the publishing channel was closed').then((reason) => this.causeOf(reason));
    // amqplib's own listener calls the confirm callbacks with an error.
    channel.prependListener('close', () => (this.lost = true));
  }

  static async open(
    connection: Connection,
    topology: Topology,
    remarks: Remarks,
    events: PublishChannelEvents,
  ): Promise<PublishChannel> {
    await provideExchanges(connection, topology, remarks);
    const opened = new PublishChannel(await connection.model.createConfirmChannel(), connection);
    const { channel } = opened;
    channel.on('return', (message) => {
      const id = publicationIdOf(message);
      if (id !== undefined) events.onReturn(id);
    });
    await channel.consume(DIRECT_REPLY_TO, (reply) => reply && events.onReply(fromAmqp(reply)), { noAck: true });
    return opened;
  }

  /** A channel that goes with its connection is not told why. */
  private async causeOf(reason: Error & { code?: unknown }): Promise<Error> {
    if (reason.code !== undefined) return reason;
    const soon = new Promise<Error>((resolve) => setImmediate(() => resolve(reason)));
    return Promise.race([this.connection.gone, soon]);
  }

  get blocked(): boolean {
    return this.connection.blocked;
  }

  async close(): Promise<void> {
    await within(
      CLOSE_TIMEOUT_MS,
      Promise.resolve().then(() => this.channel.close()),
    );
  }
}
