import type { WireMessage } from 'agentmq/protocol';
import { within } from 'agentmq/time';
import type { Consumer, InboxConsumer } from '../broker.js';
import type { Dispatcher } from '../consuming/dispatcher.js';
import { Ending } from '../consuming/ending.js';
import { TopologyError } from '../errors.js';
import type { ServerSettings } from './server-options.js';
import { Keeper, type Losable, type Outage } from './keeper.js';

const CLOSE_TIMEOUT_MS = 1_000;

/** What reads an inbox, or hears topics, at a server: opened again whenever it was lost, until it is closed. */
export abstract class Reader<T extends Losable> implements Consumer {
  protected readonly keeper: Keeper<T>;
  private readonly ending = new Ending((timeUp) => this.shut(timeUp).finally(() => this.onClose()));

  constructor(
    settings: ServerSettings,
    private readonly onClose: () => void,
  ) {
    this.keeper = new Keeper(settings, {
      open: () => this.open(),
      onOpen: () => this.onOpen(),
      onLost: () => this.onLost(),
      givesUp: (error) => error instanceof TopologyError,
    });
  }

  /** What it reads: a queue, or topics. */
  abstract readonly name: string;

  get outage(): Outage | undefined {
    return this.keeper.outage;
  }

  get isFlowing(): boolean {
    return this.keeper.current !== undefined;
  }

  /** Begins to read; what `flowing` waits for. */
  start(): void {
    void this.keeper.start();
  }

  /** Resolves when messages flow. Rejects with `TopologyError`, or `BrokerClosedError` when it is closed before. */
  async flowing(): Promise<void> {
    await this.keeper.opened();
  }

  close(timeoutMs = 10_000): Promise<void> {
    return this.ending.within(timeoutMs);
  }

  protected get closing(): boolean {
    return this.ending.hasBegun;
  }

  /** Whether it reads this queue. */
  abstract reads(queue: string): boolean;

  protected abstract open(): Promise<T>;
  protected abstract shut(timeUp: Promise<void>): Promise<void>;
  protected onOpen(): void {}
  protected onLost(): void {}
}

/** Deliveries of one consumer, over the connection of now. Its methods are called one after the other, and never reject. */
export interface Deliveries extends Losable {
  /** Ends them; what was delivered stays to be answered for. Resolves when none is on its way. */
  stop(): Promise<void>;
  /** Begins them again; nothing to do when they were not stopped. Where it can't, it is lost. */
  resume(): Promise<void>;
}

/** Hands what it reads to a dispatcher, unless it is paused. */
export abstract class DispatchingReader<D extends Deliveries, M extends WireMessage>
  extends Reader<D>
  implements Pick<InboxConsumer, 'pause' | 'resume'>
{
  /** What it reads was missing and is made anew, and that was not told yet: the attempt to make it may fail half-way. */
  protected created = false;
  /** Stops and resumptions of the deliveries, one after the other. */
  private changing: Promise<void> = Promise.resolve();

  constructor(
    settings: ServerSettings,
    onClose: () => void,
    protected readonly dispatcher: Dispatcher<M>,
    protected isPaused: boolean,
    protected readonly onCreated?: () => void,
  ) {
    super(settings, onClose);
    if (isPaused) dispatcher.stop();
  }

  pause(): void {
    this.isPaused = true;
    this.dispatcher.stop();
    this.change();
  }

  resume(): void {
    if (this.closing) return;
    this.isPaused = false;
    this.change();
  }

  protected override onOpen(): void {
    // paused or resumed while it was being opened
    this.change();
    this.tellCreated();
  }

  protected tellCreated(): void {
    if (!this.created) return;
    this.created = false;
    this.onCreated?.();
  }

  protected override onLost(): void {
    this.dispatcher.forgetStale();
  }

  protected async shut(timeUp: Promise<void>): Promise<void> {
    const open = this.keeper.stop();
    this.pause();
    await Promise.race([this.changing, timeUp]);
    await this.dispatcher.drain(timeUp);
    if (open) await within(CLOSE_TIMEOUT_MS, open.close());
  }

  private change(): void {
    this.changing = this.changing.then(() => this.keepToPause());
  }

  private async keepToPause(): Promise<void> {
    const { current } = this.keeper;
    if (!this.isPaused) {
      this.dispatcher.resume();
      return current?.resume();
    }
    await current?.stop();
    // Given back before the deliveries have ended, a message could come back here.
    if (this.isPaused) this.dispatcher.giveBackUnstarted();
  }
}
