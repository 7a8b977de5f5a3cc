import type { WireMessage } from 'agentmq/protocol';
import type { Consumer } from '../broker.js';
import type { Dispatcher } from '../dispatcher.js';
import { TopologyError } from '../errors.js';
import { Keeper } from '../keeper.js';
import { within } from 'agentmq/time';
import type { Remarks } from '../remarks.js';
import { isReply } from './client.js';
import type { RedisSettings } from './options.js';
import { Reading } from './reading.js';
import { DECLARE } from './scripts.js';
import { prefixOf, type Session } from './session.js';
import { InboxSource, type Source } from './sources.js';

/** A consumer or a listener, whatever it reads. */
export interface AnyRedisConsumer extends Consumer {
  readonly isFlowing: boolean;
  /** Why it can't be made again. */
  readonly problem: string | undefined;
  /** Begins to read; what `flowing` waits for. */
  start(): void;
  /** Resolves when messages flow. Rejects with `TopologyError`, or `BrokerClosedError` when it is closed before. */
  flowing(): Promise<void>;
  /** New messages wait for this holder. */
  wake(holder: string): void;
  /** Makes again what it needs at the broker, should it be missing. */
  mend(session: Session): Promise<void>;
}

const declared = { created: 1, unbound: 2 } as const;

const counted = (values: readonly string[]): string[] => [String(values.length), ...values];

/** Reads a source, which is declared again whenever it, or the session, was lost. */
export class RedisConsumer<M extends WireMessage> implements AnyRedisConsumer {
  private readonly keeper: Keeper<Reading<M>>;
  private closing: Promise<void> | undefined;
  /** The source was made, and that was not told yet. */
  private created = false;
  private failure: string | undefined;
  /** Names under which it may still hold something. */
  private holders: string[] = [];

  constructor(
    sessions: Keeper<Session>,
    readonly source: Source<M>,
    private readonly dispatcher: Dispatcher<M>,
    private readonly settings: RedisSettings,
    private readonly remarks: Remarks,
    private readonly newHolder: () => string,
    private readonly onClose: () => void,
    private readonly onCreated?: () => void,
  ) {
    this.keeper = new Keeper({
      open: async () => this.open(await sessions.opened()),
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

  get problem(): string | undefined {
    return this.failure;
  }

  start(): void {
    void this.keeper.start();
  }

  async flowing(): Promise<void> {
    await this.keeper.opened();
  }

  wake(holder: string): void {
    if (this.keeper.current?.holder === holder) this.keeper.current.now();
  }

  async mend(session: Session): Promise<void> {
    const holder = this.keeper.current?.holder;
    if (holder === undefined) return;
    await this.declare(session, holder, [], 0);
    this.tellCreated();
    this.keeper.current?.soon();
  }

  close(timeoutMs = 10_000): Promise<void> {
    this.closing ??= this.shut(timeoutMs).finally(() => this.onClose());
    return this.closing;
  }

  private async open(session: Session): Promise<Reading<M>> {
    const holder = this.newHolder();
    const earlier = this.holders;
    this.holders = [...earlier, holder];
    try {
      await this.declare(session, holder, earlier);
      this.failure = undefined;
    } catch (error) {
      this.failure = (error as Error).message;
      throw error;
    }
    this.holders = [holder];
    const { leaseMs, maxQueueSize, report } = this.settings;
    const options = { holder, leaseMs, deadLimit: maxQueueSize, report };
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

  private tellCreated(): void {
    if (!this.created) return;
    this.created = false;
    this.onCreated?.();
  }

  private async shut(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    this.dispatcher.stop();
    const reading = this.keeper.stop();
    // Given back before the deliveries have ended, a message could come back here.
    if (reading) await within(timeoutMs, reading.stop());
    await this.dispatcher.drain(Math.max(0, end - Date.now()));
    if (reading) await within(1_000, reading.close());
  }
}
