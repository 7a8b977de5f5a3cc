import type { WireMessage } from 'agentmq/protocol';
import type { Consumer } from '../broker.js';
import type { Dispatcher } from '../dispatcher.js';
import { TopologyError } from '../errors.js';
import { within } from 'agentmq/time';
import type { Connection } from './connection.js';
import { ConsumeChannel } from './consume-channel.js';
import type { ConsumePlan } from './consume-plans.js';
import { queuesExist } from './declarations.js';
import { Keeper } from '../keeper.js';
import type { RabbitMqSettings } from './options.js';

/** A consumer, whatever it reads. */
export interface AnyRabbitMqConsumer extends Consumer {
  readonly isFlowing: boolean;
  /** Begins to read; what `flowing` waits for. */
  start(): void;
  /** Resolves when messages flow. Rejects with `TopologyError`, or `BrokerClosedError` when it is closed before. */
  flowing(): Promise<void>;
  reads(queue: string): boolean;
  /** Makes again what it needs at the broker beside its own queue. Nothing to do while it is not open. */
  mend(connection: Connection): Promise<void>;
}

/** Reads the queues of a plan, over a channel that is rebuilt, the queues declared again, whenever it is lost or cancelled. */
export class RabbitMqConsumer<M extends WireMessage> implements AnyRabbitMqConsumer {
  private readonly keeper: Keeper<ConsumeChannel<M>>;
  private closing: Promise<void> | undefined;
  /** A queue was found missing, and that was not told yet: the attempt to declare it may have failed half-way. */
  private missing = false;

  constructor(
    connections: Keeper<Connection>,
    private readonly plan: ConsumePlan<M>,
    private readonly dispatcher: Dispatcher<M>,
    settings: RabbitMqSettings,
    private readonly onClose: () => void,
    private readonly onCreated?: () => void,
  ) {
    this.keeper = new Keeper({
      open: async () => this.open(await connections.opened()),
      onOpen: () => this.tellCreated(),
      onLost: () => this.dispatcher.forgetStale(),
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

  reads(queue: string): boolean {
    return this.plan.queues.some(({ name }) => name === queue);
  }

  async mend(connection: Connection): Promise<void> {
    if (this.isFlowing && !this.closing) await this.plan.mend(connection);
  }

  close(timeoutMs = 10_000): Promise<void> {
    this.closing ??= this.shut(timeoutMs).finally(() => this.onClose());
    return this.closing;
  }

  private async open(connection: Connection): Promise<ConsumeChannel<M>> {
    // AMQP's answer to a declaration does not say whether there was a queue. One that is deleted between this question
    // and the declaration, which follows at once, goes unnoticed.
    if (this.onCreated && !this.missing) {
      const names = this.plan.queues.map(({ name }) => name);
      this.missing = !(await queuesExist(connection, names));
    }
    return ConsumeChannel.open(connection, this.plan, (held) => this.dispatcher.add(held));
  }

  private tellCreated(): void {
    if (!this.missing) return;
    this.missing = false;
    this.onCreated?.();
  }

  private async shut(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    this.dispatcher.stop();
    const channel = this.keeper.stop();
    // Given back before the deliveries have ended, a message could come back here.
    if (channel) await within(timeoutMs, channel.cancel());
    await this.dispatcher.drain(Math.max(0, end - Date.now()));
    await channel?.close();
  }
}
