import type { Channel } from 'amqplib';
import type { Recipient, WireMessage } from 'agentmq/protocol';
import {
  Broker,
  type BrokerStatus,
  type Consumer,
  type ConsumeOptions,
  type DeadLettered,
  type Features,
  type FlowOptions,
  type Inbox,
  type InboxConsumer,
  type Incoming,
  type IncomingHandler,
  type MessageHandler,
  type Publication,
  type RequestOptions,
  type Topics,
} from '../broker.js';
import { checkFlow, checkMessage } from '../checks.js';
import { Dispatcher } from '../dispatcher.js';
import { BrokerClosedError, BrokerUnavailableError, TopologyError } from '../errors.js';
import { laneOf, LANES } from '../lanes.js';
import { Topology } from '../topology.js';
import { type Connection, connectionKeeper } from './connection.js';
import { type ConsumePlan, deadLetterPlan, InboxPlan } from './consume-plans.js';
import { explained } from './explained.js';
import type { Keeper } from '../keeper.js';
import { Mending } from './mending.js';
import { type RabbitMqOptions, type RabbitMqSettings, settingsOf } from './options.js';
import type { Address } from './frames/frame-writer.js';
import { DIRECT_REPLY_TO } from './publish-channel.js';
import { Publishing } from './publishing.js';
import { type AnyRabbitMqConsumer, RabbitMqConsumer } from './rabbitmq-consumer.js';
import { RabbitMqListener } from './rabbitmq-listener.js';
import { Remarks } from '../remarks.js';

/** AMQP's reply code for a queue or exchange that does not exist. */
const NOT_FOUND = 404;

/**
 * The transport over RabbitMQ 3.10 or later. One connection publishes and takes answers, another consumes, so that a
 * broker that blocks publishers does not keep consumers from acknowledging.
 */
export class RabbitMqBroker extends Broker {
  readonly features: Features = { priority: true, queueLimit: true, survivesRestart: true, ttl: true };

  private readonly settings: RabbitMqSettings;
  private readonly topology: Topology;
  private readonly remarks: Remarks;
  private readonly mending: Mending;
  private readonly publishing: Keeper<Connection>;
  private readonly consuming: Keeper<Connection>;
  private readonly publisher: Publishing;
  private readonly consumers = new Set<AnyRabbitMqConsumer>();
  private starting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  /** Throws `BrokerOptionsError`. */
  constructor(options: RabbitMqOptions) {
    super();
    const settings = settingsOf(options);
    this.settings = { ...settings, report: (problem) => settings.report(explained(problem)) };
    this.topology = new Topology(this.settings.namespace);
    this.publishing = connectionKeeper('publisher', this.settings);
    this.consuming = connectionKeeper('consumer', this.settings);
    this.remarks = new Remarks(this.settings.remark);
    const { mendIntervalMs } = this.settings;
    this.mending = new Mending(this.consuming, () => [...this.consumers], this.topology, mendIntervalMs, this.remarks);
    this.publisher = new Publishing(this.publishing, this.topology, this.settings, this.remarks, {
      onMissing: () => this.mending.soon(),
      onUnroutable: (recipient) => {
        if (typeof recipient !== 'string' && this.isReadHere(recipient)) this.mending.soon();
      },
    });
  }

  /** Rejects with `TopologyError` when an exchange exists as another kind, and with `BrokerUnavailableError` as the `start` option says. */
  start(): Promise<void> {
    if (this.closing) return Promise.reject(new BrokerClosedError());
    this.starting ??= this.open();
    return this.starting;
  }

  async consume(inbox: Inbox, options: ConsumeOptions, handler: IncomingHandler): Promise<InboxConsumer> {
    const flow = checkFlow(options);
    const plan = new InboxPlan(inbox, flow.prefetch, this.topology, this.settings, this.remarks);
    const consumer = await this.consumeBy(plan, flow, handler, options.onCreated);
    const rebind = async (topics: Topics): Promise<void> => {
      plan.setTopics(topics);
      const { current } = this.consuming;
      if (!current || !consumer.isFlowing) throw new BrokerUnavailableError('the broker is not connected');
      await consumer.mend(current);
    };
    return { close: (timeoutMs) => consumer.close(timeoutMs), rebind };
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

  async request(publication: Publication, options: RequestOptions): Promise<WireMessage> {
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
      if ((error as { code?: unknown }).code === NOT_FOUND) return undefined;
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
    const connected =
      this.publisher.keeper.current !== undefined &&
      this.consuming.current !== undefined &&
      [...this.consumers].every(({ isFlowing }) => isFlowing);
    const remarks = this.remarks.all();
    return {
      type: 'rabbitmq',
      connected,
      blocked: this.publisher.blocked,
      ...(remarks.length > 0 ? { remarks } : {}),
      ...(this.mending.impaired ? { impaired: true } : {}),
    };
  }

  close(timeoutMs = 10_000): Promise<void> {
    this.closing ??= this.shut(timeoutMs);
    return this.closing;
  }

  private async open(): Promise<void> {
    const { start } = this.settings;
    const firstTries = Promise.all([this.publishing.start(), this.consuming.start()]);
    const channel = this.publisher.keeper.start();
    this.mending.start();
    try {
      const failure = (await firstTries).find((error) => error !== undefined);
      if (failure && start === 'fail') throw failure;
      if (failure && start === 'degraded') return;
      await this.consuming.opened();
      const refusal = await channel;
      if (refusal instanceof TopologyError) throw refusal;
      await this.publisher.keeper.opened();
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Handlers that are let end can still publish and answer; then only what was published is waited for. */
  private async shut(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    this.mending.stop();
    await Promise.all([...this.consumers].map((consumer) => consumer.close(timeoutMs)));
    await this.publisher.close(Math.max(0, end - Date.now()));
    await Promise.all([this.publishing.stop()?.close(), this.consuming.stop()?.close()]);
  }

  private consumeBy<M extends WireMessage>(
    plan: ConsumePlan<M>,
    { concurrency }: Required<FlowOptions>,
    handler: MessageHandler<M>,
    onCreated?: () => void,
  ): Promise<AnyRabbitMqConsumer> {
    const dispatcher = new Dispatcher(concurrency, handler);
    return this.begin(
      (onClose) => new RabbitMqConsumer(this.consuming, plan, dispatcher, this.settings, onClose, onCreated),
    );
  }

  private async begin(make: (onClose: () => void) => AnyRabbitMqConsumer): Promise<AnyRabbitMqConsumer> {
    if (this.closing) throw new BrokerClosedError();
    const consumer = make(() => void this.consumers.delete(consumer));
    this.consumers.add(consumer);
    consumer.start();
    const flowing = consumer.flowing().catch(async (error: unknown) => {
      await consumer.close(0);
      throw error;
    });
    if (this.settings.start === 'degraded' && !this.consuming.current) flowing.catch(() => undefined);
    else await flowing;
    return consumer;
  }

  private isReadHere({ kind, name }: Recipient): boolean {
    if (kind !== 'role' && kind !== 'agent') return false;
    const queue = this.topology.queue({ kind, name }, 'normal');
    return [...this.consumers].some((consumer) => consumer.reads(queue));
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
