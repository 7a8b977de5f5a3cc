import { Logger } from '@nestjs/common';
import type { Broker, Consumer, Incoming } from 'agentmq/broker';
import {
  checkTopicPattern,
  type ContractDefinition,
  contractKey,
  contractOf,
  decodeBody,
  type Envelope,
  formatRecipient,
  fromWire,
  InvalidMessageError,
  type Message,
  type PayloadClass,
  readPayload,
  takesVersion,
  toTopic,
  toWireError,
  UnknownTypeError,
} from 'agentmq/protocol';
import type { AnnounceOptions } from '../bus-options.js';
import type { Bound } from '../send/capacity/bound.js';
import type { Composer } from '../send/composer.js';
import { BusStoppedError, MessageExpiredError } from '../errors.js';
import { describe, errorRecord } from '../receive/rejected/error-record.js';
import { apart } from '../flow.js';
import type { MessageMetrics } from '../message-metrics.js';
import { publicationOf } from '../send/publication.js';
import { during } from '../tracing/spans.js';
import type { Tracing } from '../tracing/tracing.js';

/** What is heard until it is closed. */
export interface Listener {
  /** Nothing is heard from here on. Safe to call twice. */
  close(): Promise<void>;
}

/** Control messages: they go past the store and every inbox, to the processes that listen now, and are worth nothing later. */
export class Announcements {
  private readonly logger = new Logger('Announcements');
  private readonly listeners = new Set<Consumer>();
  private stopped = false;

  constructor(
    private readonly broker: Broker,
    private readonly composer: Composer,
    /** What the broker has not confirmed; beyond it, announcements are dropped. */
    private readonly bound: Bound,
    private readonly metrics: MessageMetrics,
    private readonly now: () => Date,
    private readonly tracing: Tracing,
  ) {}

  /** Never waits; throws as `MessageBus.announce` does. */
  announce<P extends object>(topic: string, contract: PayloadClass<P>, payload: P, { ttl }: AnnounceOptions): void {
    const definition = neverSensitive(contractOf(contract));
    const recipient = toTopic(topic);
    // What agents tell each other all the time begins no trace that is recorded.
    const sending = this.tracing.spans.sending('publish', recipient, definition, true);
    const { trace } = sending;
    let message: Message;
    try {
      message = this.composer.compose(recipient, definition, payload, { ttl }, { trace, durable: false });
    } catch (error) {
      sending.failed(toWireError(error));
      throw error;
    }
    if (!this.broker.status().sends || !this.bound.fits(message.body.length)) {
      const reason = 'the broker does not take it now';
      sending.failed({ name: 'Error', code: 'DROPPED', message: reason });
      this.dropped(message, reason);
      return;
    }
    const { length } = message.body;
    this.bound.enter(length);
    this.broker.publish(publicationOf({ message }, message.timestamp)).then(
      () => {
        this.bound.leave(length);
        this.metrics.sent(message.type, message.recipient.kind);
        sending.sent(message);
        this.tracing.sent(message, undefined, 'announce');
      },
      (error: unknown) => {
        this.bound.leave(length);
        const record = toWireError(error);
        sending.failed(record);
        this.dropped(message, describe(record));
      },
    );
  }

  /** Resolves and rejects as `MessageBus.listen` does. */
  async listen<P extends object>(
    topics: readonly string[],
    contract: PayloadClass<P>,
    handle: (payload: P, message: Envelope) => void,
  ): Promise<Listener> {
    const definition = neverSensitive(contractOf(contract));
    const patterns = topics.map(checkTopicPattern);
    if (this.stopped) throw new BusStoppedError();
    const listener = await this.broker.listen(patterns, (incoming) => this.hear(incoming, definition, handle));
    this.listeners.add(listener);
    // Stopped while it was made.
    if (this.stopped) await this.stop();
    return {
      close: async () => {
        this.listeners.delete(listener);
        await listener.close();
      },
    };
  }

  /** Ends every listener. Safe to call twice. */
  async stop(): Promise<void> {
    this.stopped = true;
    const listeners = [...this.listeners];
    this.listeners.clear();
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  private hear<P extends object>(
    incoming: Incoming,
    contract: ContractDefinition<P>,
    handle: (payload: P, message: Envelope) => void,
  ): void {
    const { message, problems } = fromWire(incoming.recipient, incoming, { sample: () => false });
    let payload: P;
    try {
      if (problems[0]) throw problems[0];
      const { type, version, expiresAt } = message;
      if (type !== contract.type || !takesVersion(contract, version))
        throw new UnknownTypeError(type, version, 'the listener');
      if (expiresAt && expiresAt <= this.now()) throw new MessageExpiredError(expiresAt);
      payload = readPayload(contract, decodeBody(message.body), version);
    } catch (error) {
      if (error instanceof MessageExpiredError) this.metrics.received(contract.type, 'expired');
      else if (!(error instanceof UnknownTypeError)) this.metrics.received(contract.type, 'rejected');
      this.dropped(message, describe(errorRecord(error, { contract })));
      return;
    }
    const begun = this.tracing.begin(message);
    const span = this.tracing.spans.processing(message, formatRecipient(message.recipient), 1);
    const handled = { attempt: 1, begun };
    try {
      apart(() => during(span, message, () => handle(payload, message)));
      span?.end();
      this.metrics.received(contract.type, 'completed');
      this.tracing.handled(message, { ...handled, outcome: 'completed' }, 'announce');
    } catch (error) {
      const record = errorRecord(error, { contract });
      span?.end({ error: record });
      this.metrics.received(contract.type, 'failed');
      this.tracing.handled(message, { ...handled, outcome: 'failed', error: record }, 'announce');
      this.logger.warn(`${message.type} ${message.messageId}: ${describe(record)}`);
    }
  }

  private dropped({ type, messageId }: Message, reason: string): void {
    this.logger.debug(`${type} ${messageId} dropped: ${reason}`);
  }
}

/** What is not awaited is not sealed. Throws `InvalidMessageError`. */
function neverSensitive<P extends object>(contract: ContractDefinition<P>): ContractDefinition<P> {
  if (contract.sensitive) {
    throw new InvalidMessageError('contract', `${contractKey(contract)} is sensitive: control messages are not sealed`);
  }
  return contract;
}
