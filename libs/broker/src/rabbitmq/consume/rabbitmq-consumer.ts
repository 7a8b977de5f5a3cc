import type { WireMessage } from 'agentmq/protocol';
import type { Dispatcher } from '../../consuming/dispatcher.js';
import type { Keeper } from '../../server/keeper.js';
import { DispatchingReader } from '../../server/reader.js';
import type { Connection } from '../connection/connection.js';
import type { RabbitMqSettings } from '../options.js';
import type { Remarks } from '../../server/remarks.js';
import { consumersOf, queuesExist } from '../queues/declarations.js';
import { ConsumeChannel } from './consume-channel.js';
import type { ConsumePlan } from './consume-plans.js';

/** Reads the queues of a plan, over a channel that is rebuilt, the queues declared again, whenever it is lost or cancelled. */
export class RabbitMqConsumer<M extends WireMessage> extends DispatchingReader<ConsumeChannel<M>, M> {
  constructor(
    private readonly connections: Keeper<Connection>,
    private readonly plan: ConsumePlan<M>,
    dispatcher: Dispatcher<M>,
    settings: RabbitMqSettings,
    private readonly remarks: Remarks,
    onClose: () => void,
    isPaused: boolean,
    onCreated?: () => void,
  ) {
    super(settings, onClose, dispatcher, isPaused, onCreated);
  }

  get name(): string {
    return this.plan.name;
  }

  reads(queue: string): boolean {
    return this.plan.queues.some(({ name }) => name === queue);
  }

  /**
   * Makes again what it needs at the broker beside its own queue, and subscribes again where the broker has lost the
   * subscription without a word. While it is paused, it declares its queues too: a queue without consumers expires, and
   * its loss is not told. Nothing to do while it is not open.
   */
  async mend(connection: Connection): Promise<void> {
    const open = this.keeper.current;
    if (!open || this.closing) return;
    if (this.isPaused) {
      await this.declare(connection);
      this.tellCreated();
      return;
    }
    await this.plan.mend(connection);
    const { subscription } = open;
    for (const { name } of this.plan.queues) {
      if ((await consumersOf(connection, name)) !== 0) continue;
      // paused or resumed meanwhile
      if (!subscription || open.subscription !== subscription || this.isPaused) return;
      this.remarks.note(
        `subscription ${name}`,
        `${name}: the broker had lost the subscription at ${new Date().toISOString()}`,
      );
      await open.close();
      return;
    }
  }

  protected async open(): Promise<ConsumeChannel<M>> {
    const connection = await this.connections.opened();
    await this.declare(connection);
    return ConsumeChannel.open(connection, this.plan, (held) => this.dispatcher.add(held), this.isPaused);
  }

  private async declare(connection: Connection): Promise<void> {
    // AMQP's answer to a declaration does not say whether there was a queue. One that is deleted between this question
    // and the declaration, which follows at once, goes unnoticed.
    if (this.onCreated && !this.created) {
      const names = this.plan.queues.map(({ name }) => name);
      this.created = !(await queuesExist(connection, names));
    }
    await this.plan.declare(connection);
  }
}
