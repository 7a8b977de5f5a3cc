import type { Recipient, WireMessage } from 'agentmq/protocol';
import type { Publication, WireRequestOptions } from '../../broker.js';
import { BrokerClosedError } from '../../errors.js';
import type { Topology } from '../../topology.js';
import { BodySizes } from './body-sizes.js';
import type { Connection } from '../connection/connection.js';
import type { Keeper } from '../../server/keeper.js';
import type { RabbitMqSettings } from '../options.js';
import type { Address } from '../frames/frame-writer.js';
import { DIRECT_REPLY_TO, type PublishChannel } from './publish-channel.js';
import { type PublisherEvents, RabbitMqPublisher } from './publisher.js';
import type { Remarks } from '../../server/remarks.js';

/**
 * All that one broker object publishes. A broker that refuses a body for its size closes the channel, and with it goes
 * what else was under way there, answers to requests above all: so a body larger than any that this broker has taken goes
 * over a channel of its own first.
 */
export class Publishing {
  private readonly sizes = new BodySizes();
  private readonly main: RabbitMqPublisher;
  private readonly trial: RabbitMqPublisher;
  private trying = false;

  constructor(
    connections: Keeper<Connection>,
    topology: Topology,
    settings: RabbitMqSettings,
    remarks: Remarks,
    events: PublisherEvents,
  ) {
    const publisher = (): RabbitMqPublisher =>
      new RabbitMqPublisher(connections, topology, settings, this.sizes, remarks, events);
    this.main = publisher();
    this.trial = publisher();
  }

  /** The channel that all but unusually large messages go over. */
  get keeper(): Keeper<PublishChannel> {
    return this.main.keeper;
  }

  /** What waits to be sent or confirmed. */
  get size(): number {
    return this.main.size + this.trial.size;
  }

  get blocked(): boolean {
    return this.main.blocked;
  }

  /** Resolves when the broker has confirmed it; rejects as `Broker.publish` does. */
  publish(message: WireMessage, address: Address, recipient: Recipient | string): Promise<void> {
    this.sizes.check(message.body.length);
    const publisher = this.publisherFor(message);
    return new Promise((resolve, reject) => void publisher.send(message, address, recipient, resolve, reject));
  }

  /** Publishes and resolves with the first answer; rejects as `Broker.request` does. */
  request(publication: Publication, address: Address, options: WireRequestOptions): Promise<WireMessage> {
    this.sizes.check(publication.body.length);
    const publisher = this.publisherFor(publication);
    return publisher.requests.ask(publication, options, {
      replyTo: DIRECT_REPLY_TO,
      send: (request, published, fail) => publisher.send(request, address, publication.recipient, published, fail),
      withdraw: (outgoing) => publisher.withdraw(outgoing),
    });
  }

  /** Takes nothing more, waits for what is not confirmed for at most `timeoutMs`, and rejects the rest. */
  async close(timeoutMs: number): Promise<void> {
    const publishers = [this.main, this.trial];
    for (const publisher of publishers) publisher.stop();
    await Promise.all(publishers.map((publisher) => publisher.drain(timeoutMs)));
    for (const { requests, keeper } of publishers) {
      requests.rejectAll(() => new BrokerClosedError());
      keeper.stop();
    }
    for (const publisher of publishers) publisher.abandon();
  }

  private publisherFor({ body }: WireMessage): RabbitMqPublisher {
    if (this.sizes.isProven(body.length)) return this.main;
    if (!this.trying) void this.trial.keeper.start();
    this.trying = true;
    return this.trial;
  }
}
