import type { WireMessage } from 'agentmq/protocol';
import { within } from 'agentmq/time';
import type { Consumer } from '../broker.js';
import type { Dispatcher } from '../consuming/dispatcher.js';
import { TopologyError } from '../errors.js';
import type { ServerSettings } from './server-options.js';
import { Keeper, type Losable, type Outage } from './keeper.js';

const CLOSE_TIMEOUT_MS = 1_000;

/** What reads an inbox, or hears topics, at a server: opened again whenever it was lost, until it is closed. */
export abstract class Reader<T extends Losable> implements Consumer {
  protected readonly keeper: Keeper<T>;
  protected closing: Promise<void> | undefined;

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
    this.closing ??= this.shut(timeoutMs).finally(() => this.onClose());
    return this.closing;
  }

  /** Whether it reads this queue. */
  abstract reads(queue: string): boolean;

  protected abstract open(): Promise<T>;
  protected abstract shut(timeoutMs: number): Promise<void>;
  protected onOpen(): void {}
  protected onLost(): void {}
}

/** Deliveries of one consumer, over the connection of now. */
export interface Flow extends Losable {
  /** Ends the deliveries; what was delivered stays to be answered for. */
  stop(): Promise<void>;
}

/** Hands what it reads to a dispatcher. */
export abstract class DispatchingReader<F extends Flow, M extends WireMessage> extends Reader<F> {
  /** What it reads was missing and is made anew, and that was not told yet: the attempt to make it may fail half-way. */
  protected created = false;

  constructor(
    settings: ServerSettings,
    onClose: () => void,
    protected readonly dispatcher: Dispatcher<M>,
    protected readonly onCreated?: () => void,
  ) {
    super(settings, onClose);
  }

  protected override onOpen(): void {
    if (!this.created) return;
    this.created = false;
    this.onCreated?.();
  }

  protected override onLost(): void {
    this.dispatcher.forgetStale();
  }

  protected async shut(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    this.dispatcher.stop();
    const flow = this.keeper.stop();
    // Given back before the deliveries have ended, a message could come back here.
    if (flow) await within(timeoutMs, flow.stop());
    await this.dispatcher.drain(Math.max(0, end - Date.now()));
    if (flow) await within(CLOSE_TIMEOUT_MS, flow.close());
  }
}
