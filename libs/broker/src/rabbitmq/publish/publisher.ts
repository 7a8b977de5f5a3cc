import { InvalidMessageError, type WireMessage } from 'agentmq/protocol';
import { BrokerUnavailableError, QueueFullError } from '../../errors.js';
import { PendingRequests } from '../../server/pending-requests.js';
import type { Topology } from '../../topology.js';
import { PublishQueue } from '../../server/publish-queue.js';
import type { BodySizes } from './body-sizes.js';
import type { Connection } from '../connection/connection.js';
import { Keeper } from '../../server/keeper.js';
import type { RabbitMqSettings } from '../options.js';
import type { Address } from '../frames/frame-writer.js';
import { RabbitMqOutgoing } from './outgoing.js';
import { PublishChannel } from './publish-channel.js';
import type { Remarks } from '../../server/remarks.js';
import { NOT_FOUND } from '../connection/reply-codes.js';

/** A publication that was on so many channels when the broker closed them is likely the cause, and is given up. */
const MAX_CLOSURES = 3;

export interface PublisherEvents {
  /** The broker has no exchange that was published to. */
  onMissing(): void;
  /** No queue took what was for this recipient. */
  onUnroutable(recipient: RabbitMqOutgoing['recipient']): void;
}

/** Frame, syntax, command and unexpected-frame errors, of the channel or the connection; and a failed precondition. */
const REFUSALS: readonly unknown[] = [406, 501, 502, 503, 505];

/** Whether the broker closed the channel alone: amqplib tells the method that it was for. */
const isOfChannel = (reason: Error): boolean => 'classId' in reason;

/** Whether the broker closed a channel, or the connection, for what one publication is. */
const isForOneMessage = ({ code }: { readonly code?: unknown }): boolean => REFUSALS.includes(code);

/** Publishes over a confirm channel that is rebuilt when it is lost. */
export class RabbitMqPublisher extends PublishQueue<RabbitMqOutgoing> {
  readonly keeper: Keeper<PublishChannel>;
  /** Requests whose answers come over the same channel. */
  readonly requests = new PendingRequests<RabbitMqOutgoing>();
  /** One of these made the broker close the channel: each is sent with nothing else under way, before all else. */
  private readonly suspects = new Set<RabbitMqOutgoing>();
  /** One for all channels that are opened on a connection. */
  private readonly onUnblocked = (): void => this.pump();

  constructor(
    connections: Keeper<Connection>,
    topology: Topology,
    settings: RabbitMqSettings,
    private readonly sizes: BodySizes,
    private readonly remarks: Remarks,
    private readonly events: PublisherEvents,
  ) {
    super(settings, (recipient) => events.onUnroutable(recipient));
    const channelEvents = {
      onConfirm: (outgoing: RabbitMqOutgoing, taken: boolean): void => this.confirmed(outgoing, taken),
      onReply: (reply: WireMessage): void => this.requests.answer(reply),
    };
    this.keeper = new Keeper(settings, {
      open: async () => {
        const connection = await connections.opened();
        connection.whenUnblocked(this.onUnblocked);
        sizes.startOn(connection);
        return PublishChannel.open(connection, topology, remarks, channelEvents);
      },
      onOpen: () => this.pump(),
      onLost: (_channel, reason) => this.lost(reason),
    });
  }

  /** One of the callbacks is called unless it is withdrawn. */
  send(
    message: WireMessage,
    address: Address,
    recipient: RabbitMqOutgoing['recipient'],
    resolve: () => void,
    reject: (error: Error) => void,
  ): RabbitMqOutgoing {
    return this.add(new RabbitMqOutgoing(message, address, recipient, this.deadline(), resolve, reject));
  }

  protected get isConnected(): boolean {
    return this.keeper.current !== undefined;
  }

  protected get refusal(): string | undefined {
    return this.keeper.current?.blocked ? 'connection blocked' : undefined;
  }

  protected write(outgoing: RabbitMqOutgoing): boolean {
    const to = this.keeper.current;
    const { body } = outgoing.message;
    if (!to || to.lost || to.blocked || to.unconfirmed >= this.settings.maxUnconfirmed) return false;
    if (this.suspects.size > 0 && (to.unconfirmed > 0 || !this.suspects.has(outgoing))) return false;
    if (to.unconfirmed > 0 && to.unconfirmedBytes + body.length > this.settings.maxUnconfirmedBytes) return false;
    try {
      to.publish(outgoing);
      outgoing.sent = true;
    } catch (error) {
      this.fail(outgoing, error as Error);
    }
    return true;
  }

  protected override settle(outgoing: RabbitMqOutgoing): boolean {
    this.suspects.delete(outgoing);
    return super.settle(outgoing);
  }

  private confirmed(outgoing: RabbitMqOutgoing, taken: boolean): void {
    this.sizes.taken(outgoing.message.body.length);
    this.suspects.delete(outgoing);
    if (!outgoing.done) {
      // RabbitMQ refuses what a full queue with overflow reject-publish does not take.
      if (!taken) this.fail(outgoing, new QueueFullError(outgoing.recipient));
      else if (outgoing.returned) this.failUnroutable(outgoing);
      else this.succeed(outgoing);
    }
    if (this.waiting.size > 0) this.pump();
  }

  /** The channel is gone: answers to what was asked over it are lost, and what it did not confirm goes first on the next. */
  private lost(reason: Error & { code?: unknown }): void {
    this.requests.interrupt();
    const [, exchange] = (reason.code === NOT_FOUND && /no exchange '(.+?)'/.exec(reason.message)) || [];
    if (exchange !== undefined) {
      this.remarks.missing('exchange', exchange);
      this.events.onMissing();
    }
    const unconfirmed = [...this.open].filter(({ sent }) => sent);
    if (this.sizes.learn(reason)) this.failTooLarge();
    else if (isForOneMessage(reason)) this.suspect(unconfirmed, reason);
    else if (isOfChannel(reason)) this.countClosure(unconfirmed, reason);
    for (const outgoing of this.open) {
      outgoing.sent = false;
      outgoing.returned = false;
    }
    const others = [...this.open].filter((outgoing) => !this.suspects.has(outgoing));
    this.waiting.replace([...this.suspects, ...others]);
  }

  private failTooLarge(): void {
    for (const outgoing of [...this.open]) {
      try {
        this.sizes.check(outgoing.message.body.length);
      } catch (error) {
        this.fail(outgoing, error as Error);
      }
    }
  }

  /** The broker does not say which publication it means: each is sent alone, until it closes the channel for that one. */
  private suspect(unconfirmed: readonly RabbitMqOutgoing[], reason: Error): void {
    for (const outgoing of unconfirmed) this.suspects.add(outgoing);
    const [only, ...others] = unconfirmed;
    if (!only || others.length > 0) return;
    // With the connection goes another channel, whose publication it may have been for.
    if (!isOfChannel(reason) && ++only.closures < MAX_CLOSURES) return;
    this.fail(only, new InvalidMessageError('message', `the broker refuses it: ${reason.message}`, { cause: reason }));
  }

  private countClosure(unconfirmed: readonly RabbitMqOutgoing[], reason: Error): void {
    for (const outgoing of unconfirmed) {
      if (++outgoing.closures < MAX_CLOSURES) continue;
      this.fail(outgoing, new BrokerUnavailableError(`the broker refuses: ${reason.message}`, { cause: reason }));
    }
  }
}
