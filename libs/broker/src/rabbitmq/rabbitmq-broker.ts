import type { Channel } from 'amqplib';
import { formatRecipient, type Recipient, type WireMessage } from 'agentmq/protocol';
import {
  type BrokerFault,
  type BrokerStatus,
  type Consumer,
  type ConsumeOptions,
  type DeadLettered,
  type FlowOptions,
  type Inbox,
  type InboxConsumer,
  type Incoming,
  type IncomingHandler,
  type MessageHandler,
  type Publication,
  type WireRequestOptions,
  type Topics,
} from '../broker.js';
import { checkFlow, checkMessage } from '../checks.js';
import { Dispatcher } from '../consuming/dispatcher.js';
import { BrokerClosedError, BrokerUnavailableError, TopologyError } from '../errors.js';
import { laneOf, LANES } from '../lanes.js';
import { Topology } from '../topology.js';
import { type Connection, connectionKeeper } from './connection/connection.js';
import { codeOf, NOT_FOUND } from './connection/reply-codes.js';
import { type ConsumePlan, deadLetterPlan, InboxPlan } from './consume/consume-plans.js';
import type { Keeper, Losable } from '../server/keeper.js';
import type { Reader } from '../server/reader.js';
import { type Mendable, Mending } from './queues/mending.js';
import { type RabbitMqOptions, type RabbitMqSettings, settingsOf } from './options.js';
import type { Address } from './frames/frame-writer.js';
import { DIRECT_REPLY_TO } from './publish/publish-channel.js';
import { Publishing } from './publish/publishing.js';
import { RabbitMqConsumer } from './consume/rabbitmq-consumer.js';
import { RabbitMqListener } from './consume/rabbitmq-listener.js';
import { type Link, ServerBroker } from '../server/server-broker.js';

type RabbitMqReader = Reader<Losable> & Mendable;

/**
 * The transport over RabbitMQ 3.10 or later. One connection publishes and takes answers, another consumes, so that a
 * broker that blocks publishers does not keep consumers from acknowledging.
 */
export class RabbitMqBroker extends ServerBroker<RabbitMqSettings, RabbitMqReader> {
  private readonly topology: Topology;
  private readonly mending: Mending;
  private readonly publishing: Keeper<Connection>;
  private readonly consuming: Keeper<Connection>;
  private readonly publisher: Publishing;
  /** How the first attempt to open a channel for publications went. */
  private channelOpened: Promise<Error | undefined> | undefined;

  /** Throws `BrokerOptionsError`. */
  constructor(options: RabbitMqOptions) {
    super(settingsOf(options));
    this.topology = new Topology(this.settings.namespace);
    this.publishing = connectionKeeper('publisher', this.settings, this.blockage);
    this.consuming = connectionKeeper('consumer', this.settings);
    const { mendIntervalMs } = this.settings;
    this.mending = new Mending(this.consuming, () => [...this.readers], this.topology, mendIntervalMs, this.remarks);
    this.publisher = new Publishing(this.publishing, this.topology, this.settings, this.remarks, {
      onMissing: () => this.mending.soon(),
      onUnroutable: (recipient) => {
        if (typeof recipient === 'string' || !this.isReadHere(recipient)) return;
        this.remarks.missing('binding', formatRecipient(recipient));
        this.mending.soon();
      },
    });
  }

  async consume(inbox: Inbox, options: ConsumeOptions, handler: IncomingHandler): Promise<InboxConsumer> {
    const flow = checkFlow(options);
    const plan = new InboxPlan(inbox, flow.prefetch, this.topology, this.settings, this.remarks);
    const consumer = await this.consumeBy(plan, flow, handler, options);
    const rebind = async (topics: Topics): Promise<void> => {
      plan.setTopics(topics);
      const { current } = this.consuming;
      if (!current || !consumer.isFlowing) throw new BrokerUnavailableError('the broker is not connected');
      await consumer.mend(current);
    };
    return {
      close: (timeoutMs) => consumer.close(timeoutMs),
      rebind,
      pause: () => consumer.pause(),
      resume: () => consumer.resume(),
    };
  }

  async consumeDeadLetters(options: FlowOptions, handler: MessageHandler<DeadLettered>): Promise<Consumer> {
    const flow = checkFlow(options);
    return this.consumeBy(deadLetterPlan(flow.prefetch, this.topology, this.settings, this.remarks), flow, handler);
  }

  async listen(topics: readonly string[], handler: (message: Incoming) => void): Promise<Consumer> {
    return this.begin(
      (onClose) =>
        new RabbitMqListener(this.consuming, topics, handler, this.topology, this.settings, this.remarks, onClose),
    );
  }

  publish(publication: Publication): Promise<void> {
    try {
      checkMessage(publication, this.settings.maxMessageBytes);
      return this.publisher.publish(publication, this.addressOf(publication), publication.recipient);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async request(publication: Publication, options: WireRequestOptions): Promise<WireMessage> {
    checkMessage(publication, this.settings.maxMessageBytes);
    if (this.closing) throw new BrokerClosedError();
    return this.publisher.request(publication, { ...this.addressOf(publication), mandatory: true }, options);
  }

  async reply(replyTo: string, reply: WireMessage): Promise<void> {
    checkMessage(reply, this.settings.maxMessageBytes);
    // RabbitMQ before 4 returns every mandatory message to such an address, although it has delivered it.
    const mandatory = !replyTo.startsWith(DIRECT_REPLY_TO);
    await this.publisher.publish(reply, { exchange: '', routingKey: replyTo, mandatory, persistent: false }, replyTo);
  }

  async inboxSize(owner: Inbox['owner']): Promise<number | undefined> {
    const queues = LANES.map((lane) => this.topology.queue(owner, lane));
    try {
      return await this.withChannel(async (channel) => {
        let size = 0;
        for (const queue of queues) size += (await channel.checkQueue(queue)).messageCount;
        return size;
      });
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return undefined;
      if (error instanceof BrokerUnavailableError) throw error;
      throw new BrokerUnavailableError('the broker can not be asked', { cause: error });
    }
  }

  /** Close a consumer of the inbox first: it would declare it again. Rejects with `BrokerUnavailableError` when not connected. */
  async deleteInbox(owner: Inbox['owner']): Promise<void> {
    const queues = LANES.map((lane) => this.topology.queue(owner, lane));
    await this.withChannel(async (channel) => {
      for (const queue of queues) await channel.deleteQueue(queue);
    });
  }

  status(): BrokerStatus {
    const { blocked, keeper } = this.publisher;
    const canPublish = keeper.current !== undefined;
    const receives = this.consuming.current !== undefined && [...this.readers].every(({ isFlowing }) => isFlowing);
    const remarks = this.remarks.all();
    return {
      type: 'rabbitmq',
      connected: canPublish && receives,
      sends: canPublish && !blocked,
      blocked,
      ...(remarks.length > 0 ? { remarks } : {}),
    };
  }

  protected get isConnected(): boolean {
    return this.consuming.current !== undefined;
  }

  protected get links(): readonly Link[] {
    const { publishing, consuming, publisher } = this;
    return [
      { name: 'the connection for publications', keeper: publishing },
      { name: 'the connection for inboxes', keeper: consuming },
      { name: 'the channel for publications', keeper: publisher.keeper, needs: publishing },
    ];
  }

  protected get unconfirmed(): number {
    return this.publisher.size;
  }

  protected missing(): readonly BrokerFault[] {
    const { failure } = this.mending;
    return failure ? [{ kind: 'binding_missing', of: 'exchanges and bindings', ...failure }] : [];
  }

  protected async connect(): Promise<Error | undefined> {
    const firstTries = Promise.all([this.publishing.start(), this.consuming.start()]);
    this.channelOpened = this.publisher.keeper.start();
    this.mending.start();
    return (await firstTries).find((error) => error !== undefined);
  }

  /** Rejects with `TopologyError` when an exchange exists as another kind. */
  protected async connected(): Promise<void> {
    await this.consuming.opened();
    const refusal = await this.channelOpened;
    if (refusal instanceof TopologyError) throw refusal;
    await this.publisher.keeper.opened();
  }

  protected stopChores(): void {
    this.mending.stop();
  }

  protected async disconnect(timeoutMs: number): Promise<void> {
    await this.publisher.close(timeoutMs);
    await Promise.all([this.publishing.stop()?.close(), this.consuming.stop()?.close()]);
  }

  private consumeBy<M extends WireMessage>(
    plan: ConsumePlan<M>,
    { concurrency }: Required<FlowOptions>,
    handler: MessageHandler<M>,
    { paused = false, onCreated }: Pick<ConsumeOptions, 'paused' | 'onCreated'> = {},
  ): Promise<RabbitMqConsumer<M>> {
    const dispatcher = new Dispatcher(concurrency, handler);
    return this.begin(
      (onClose) =>
        new RabbitMqConsumer(this.consuming, plan, dispatcher, this.settings, this.remarks, onClose, paused, onCreated),
    );
  }

  private isReadHere({ kind, name }: Recipient): boolean {
    if (kind !== 'role' && kind !== 'agent') return false;
    return this.isRead(this.topology.queue({ kind, name }, 'normal'));
  }

  private addressOf({ recipient, properties, mandatory, persistent }: Publication): Address {
    const { exchange, routingKey } = this.topology.address(recipient, laneOf(properties.priority));
    return { exchange, routingKey, mandatory, persistent };
  }

  private async withChannel<T>(use: (channel: Channel) => Promise<T>): Promise<T> {
    const connection = this.consuming.current;
    if (!connection) throw new BrokerUnavailableError('the broker is not connected');
    return connection.withChannel(use);
  }
}
