import type { WireMessage } from 'agentmq/protocol';
import type { Dispatcher } from '../../consuming/dispatcher.js';
import { TopologyError } from '../../errors.js';
import type { Keeper } from '../../server/keeper.js';
import { DispatchingReader } from '../../server/reader.js';
import type { Remarks } from '../../server/remarks.js';
import { isReply } from '../connection/client.js';
import type { RedisSettings } from '../options.js';
import { Reading } from './reading.js';
import { DECLARE } from '../scripts/scripts.js';
import { prefixOf, type Session } from '../connection/session.js';
import { InboxSource, type Source } from './sources.js';

const declared = { created: 1, unbound: 2 } as const;

const counted = (values: readonly string[]): string[] => [String(values.length), ...values];

/** Reads a source, which is declared again whenever it, or the session, was lost. */
export class RedisConsumer<M extends WireMessage> extends DispatchingReader<Reading<M>, M> {
  /** Names under which it may still hold something. */
  private holders: string[] = [];

  constructor(
    private readonly sessions: Keeper<Session>,
    private readonly source: Source<M>,
    dispatcher: Dispatcher<M>,
    private readonly settings: RedisSettings,
    private readonly remarks: Remarks,
    private readonly newHolder: () => string,
    onClose: () => void,
    isPaused: boolean,
    onCreated?: () => void,
  ) {
    super(settings, onClose, dispatcher, isPaused, onCreated);
  }

  get name(): string {
    return this.source.queue;
  }

  reads(queue: string): boolean {
    return this.source.queue === queue;
  }

  /** New messages wait for this holder. */
  wake(holder: string): void {
    if (this.keeper.current?.holder === holder) this.keeper.current.now();
  }

  /** Makes again what it needs at the broker, should it be missing. */
  async mend(session: Session): Promise<void> {
    const holder = this.keeper.current?.holder;
    if (holder === undefined) return;
    await this.declare(session, holder, [], 0);
    this.tellCreated();
    this.keeper.current?.soon();
  }

  protected async open(): Promise<Reading<M>> {
    const session = await this.sessions.opened();
    const holder = this.newHolder();
    const earlier = this.holders;
    this.holders = [...earlier, holder];
    await this.declare(session, holder, earlier);
    this.holders = [holder];
    const { isPaused } = this;
    const { leaseMs, maxQueueSize, report } = this.settings;
    const options = { holder, leaseMs, isPaused, deadLimit: maxQueueSize, report };
    return new Reading(session, this.source, options, (held) => this.dispatcher.add(held));
  }

  private async declare(
    session: Session,
    holder: string,
    earlier: readonly string[],
    leaseMs = this.settings.leaseMs,
  ): Promise<void> {
    const { queue, topics, dropped, expiresMs } = this.source;
    const times = [leaseMs, expiresMs].map(String);
    const args = [queue, holder, ...times, ...[earlier, topics, dropped].flatMap(counted)];
    try {
      const outcome = await session.run(DECLARE, args);
      if (outcome === declared.created) this.created = true;
      if (outcome === declared.unbound) this.remarks.missing('binding', queue);
    } catch (error) {
      const [, problem] = (isReply(error) && /^(?:ERR )?WRONGTYPE \S+ (is a .*)$/.exec(error.message)) || [];
      if (problem === undefined) throw error;
      const key = prefixOf(this.settings.namespace) + queue;
      throw new TopologyError(key, `the key ${problem}, no stream`, 'type', { cause: error });
    }
    if (this.source instanceof InboxSource) this.source.isBound(topics);
  }
}
