import type { WireMessage } from 'agentmq/protocol';
import type { Dispatcher } from '../../consuming/dispatcher.js';
import type { Keeper } from '../../server/keeper.js';
import { DispatchingReader } from '../../server/reader.js';
import type { Connection } from '../connection/connection.js';
import type { RabbitMqSettings } from '../options.js';
import { queuesExist } from '../queues/declarations.js';
import { ConsumeChannel } from './consume-channel.js';
import type { ConsumePlan } from './consume-plans.js';

/** Reads the queues of a plan, over a channel that is rebuilt, the queues declared again, whenever it is lost or cancelled. */
export class RabbitMqConsumer<M extends WireMessage> extends DispatchingReader<ConsumeChannel<M>, M> {
  constructor(
    private readonly connections: Keeper<Connection>,
    private readonly plan: ConsumePlan<M>,
    dispatcher: Dispatcher<M>,
    settings: RabbitMqSettings,
    onClose: () => void,
    onCreated?: () => void,
  ) {
    super(settings, onClose, dispatcher, onCreated);
  }

  reads(queue: string): boolean {
    return this.plan.queues.some(({ name }) => name === queue);
  }

  /** Makes again what it needs at the broker beside its own queue. Nothing to do while it is not open. */
  async mend(connection: Connection): Promise<void> {
    if (this.isFlowing && !this.closing) await this.plan.mend(connection);
  }

  protected async open(): Promise<ConsumeChannel<M>> {
    const connection = await this.connections.opened();
    // AMQP's answer to a declaration does not say whether there was a queue. One that is deleted between this question
    // and the declaration, which follows at once, goes unnoticed.
    if (this.onCreated && !this.created) {
      const names = this.plan.queues.map(({ name }) => name);
      this.created = !(await queuesExist(connection, names));
    }
    return ConsumeChannel.open(connection, this.plan, (held) => this.dispatcher.add(held));
  }
}
