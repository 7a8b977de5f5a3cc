import { InvalidMessageError, type Recipient, type WireMessage } from 'agentmq/protocol';
import { BrokerClosedError, BrokerUnavailableError, NoRecipientError, QueueFullError } from '../errors.js';
import { Fifo } from '../fifo.js';
import type { PendingRequests } from '../pending-requests.js';
import type { Topology } from '../topology.js';
import { UnsettledPublications } from '../unsettled-publications.js';
import type { BodySizes } from './body-sizes.js';
import type { Connection } from './connection.js';
import { Keeper } from '../keeper.js';
import type { RabbitMqSettings } from './options.js';
import type { Address } from './frames/frame-writer.js';
import { Outgoing } from './outgoing.js';
import { PublishChannel } from './publish-channel.js';
import type { Remarks } from '../remarks.js';
import { NOT_FOUND } from './reply-codes.js';

/** A publication that was on so many channels when the broker closed them is likely the cause, and is given up. */
const MAX_CLOSURES = 3;

export interface PublisherEvents {
  /** The broker has no exchange that was published to. */
  onMissing(): void;
  /** No queue took what was for this recipient. */
  onUnroutable(recipient: Outgoing['recipient']): void;
}

/** Frame, syntax, command and unexpected-frame errors, of the channel or the connection; and a failed precondition. */
const REFUSALS: readonly unknown[] = [406, 501, 502, 503, 505];

/** Whether the broker closed the channel alone: amqplib tells the method that it was for. */
const isOfChannel = (reason: Error): boolean => 'classId' in reason;

/** Whether the broker closed a channel, or the connection, for what one publication is. */
const isForOneMessage = ({ code }: { readonly code?: unknown }): boolean => REFUSALS.includes(code);

/**
 * Sends publications, in the order that they were given, over a confirm channel that is rebuilt when it is lost. What
 * can't be sent now (not connected, blocked, too much unconfirmed) waits; what was sent on a lost channel and not
 * confirmed is sent again, first. Nothing waits longer than `publishTimeoutMs` in all.
 */
export class Publisher {
  readonly keeper: Keeper<PublishChannel>;
  private readonly open: UnsettledPublications<Outgoing>;
  /** What of it has not been sent. */
  private readonly waiting = new Fifo<Outgoing>();
  /** One of these made the broker close the channel: each is sent with nothing else under way, before all else. */
  private readonly suspects = new Set<Outgoing>();
  private closed = false;

  constructor(
    connections: Keeper<Connection>,
    topology: Topology,
    /** Those whose answers come over the same channel. */
    readonly requests: PendingRequests,
    private readonly settings: RabbitMqSettings,
    private readonly sizes: BodySizes,
    private readonly remarks: Remarks,
    private readonly publisherEvents: PublisherEvents,
  ) {
    this.open = new UnsettledPublications(
      settings.publishTimeoutMs,
      (outgoing) => this.whyLate(outgoing),
      (outgoing) => this.suspects.delete(outgoing),
    );
    const events = {
      onConfirm: (outgoing: Outgoing, taken: boolean): void => this.confirmed(outgoing, taken),
      onReply: (reply: WireMessage): void => this.requests.answer(reply),
    };
    this.keeper = new Keeper({
      open: async () => {
        const connection = await connections.opened();
        connection.whenUnblocked(() => this.pump());
        sizes.startOn(connection);
        return PublishChannel.open(connection, topology, remarks, events);
      },
      onOpen: () => this.pump(),
      onLost: (_channel, reason) => this.lost(reason),
      report: settings.report,
      minDelayMs: settings.reconnectMinMs,
      maxDelayMs: settings.reconnectMaxMs,
    });
  }

  get blocked(): boolean {
    return this.keeper.current?.blocked ?? false;
  }

  /** Resolves when the broker has confirmed it; rejects as `Broker.publish` does. */
  publish(message: WireMessage, address: Address, recipient: Recipient | string): Promise<void> {
    return new Promise((resolve, reject) => void this.send(message, address, recipient, resolve, reject));
  }

  /** The same with callbacks, of which one is called unless it is withdrawn. */
  send(
    message: WireMessage,
    address: Address,
    recipient: Recipient | string,
    resolve: () => void,
    reject: (error: Error) => void,
  ): Outgoing {
    const deadline = Date.now() + this.settings.publishTimeoutMs;
    const outgoing = new Outgoing(message, address, recipient, deadline, resolve, reject);
    if (this.closed) {
      outgoing.done = true;
      reject(new BrokerClosedError());
      return outgoing;
    }
    this.open.add(outgoing);
    if (this.waiting.size > 0 || !this.write(outgoing)) this.waiting.push(outgoing);
    return outgoing;
  }

  /** The caller does not need the outcome any more; it is not sent if it has not been. */
  withdraw(outgoing: Outgoing): void {
    this.open.settle(outgoing);
  }

  /** Resolves when nothing is unconfirmed, or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    return this.open.drain(timeoutMs);
  }

  /** Takes nothing more. */
  stop(): void {
    this.closed = true;
  }

  /** Rejects what is unconfirmed with `BrokerClosedError`. */
  abandon(): void {
    this.stop();
    this.open.abandon();
  }

  private pump(): void {
    for (let next = this.waiting.peek(); next; next = this.waiting.peek()) {
      if (!next.done && !this.write(next)) return;
      this.waiting.shift();
    }
  }

  /** False when it can't be sent now. */
  private write(outgoing: Outgoing): boolean {
    const to = this.keeper.current;
    const { body } = outgoing.message;
    if (!to || to.lost || to.blocked || to.unconfirmed >= this.settings.maxUnconfirmed) return false;
    if (this.suspects.size > 0 && (to.unconfirmed > 0 || !this.suspects.has(outgoing))) return false;
    if (to.unconfirmed > 0 && to.unconfirmedBytes + body.length > this.settings.maxUnconfirmedBytes) return false;
    try {
      to.publish(outgoing);
      outgoing.sent = true;
    } catch (error) {
      this.open.fail(outgoing, error as Error);
    }
    return true;
  }

  private confirmed(outgoing: Outgoing, taken: boolean): void {
    this.sizes.taken(outgoing.message.body.length);
    this.suspects.delete(outgoing);
    if (!outgoing.done) {
      const { recipient } = outgoing;
      // RabbitMQ refuses what a full queue with overflow reject-publish does not take.
      if (!taken) this.open.fail(outgoing, new QueueFullError(recipient));
      else if (outgoing.returned) {
        this.open.fail(outgoing, new NoRecipientError(recipient));
        this.publisherEvents.onUnroutable(recipient);
      } else if (this.open.settle(outgoing)) outgoing.resolve();
    }
    if (this.waiting.size > 0) this.pump();
  }

  /** The channel is gone: answers to what was asked over it are lost, and what it did not confirm goes first on the next. */
  private lost(reason: Error & { code?: unknown }): void {
    this.requests.interrupt();
    const [, exchange] = (reason.code === NOT_FOUND && /no exchange '(.+?)'/.exec(reason.message)) || [];
    if (exchange !== undefined) {
      this.remarks.missing('exchange', exchange);
      this.publisherEvents.onMissing();
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
        this.open.fail(outgoing, error as Error);
      }
    }
  }

  /** The broker does not say which publication it means: each is sent alone, until it closes the channel for that one. */
  private suspect(unconfirmed: readonly Outgoing[], reason: Error): void {
    for (const outgoing of unconfirmed) this.suspects.add(outgoing);
    const [only, ...others] = unconfirmed;
    if (!only || others.length > 0) return;
    // With the connection goes another channel, whose publication it may have been for.
    if (!isOfChannel(reason) && ++only.closures < MAX_CLOSURES) return;
    this.open.fail(
      only,
      new InvalidMessageError('message', `the broker refuses it: ${reason.message}`, { cause: reason }),
    );
  }

  private countClosure(unconfirmed: readonly Outgoing[], reason: Error): void {
    for (const outgoing of unconfirmed) {
      if (++outgoing.closures < MAX_CLOSURES) continue;
      this.open.fail(outgoing, new BrokerUnavailableError(`the broker refuses: ${reason.message}`, { cause: reason }));
    }
  }

  private whyLate({ sent }: Outgoing): string {
    return this.blocked
      ? 'the broker takes no messages for now (connection blocked)'
      : !this.keeper.current
        ? 'the broker is not connected'
        : sent
          ? 'the broker did not confirm'
          : 'too many publications wait';
  }
}
