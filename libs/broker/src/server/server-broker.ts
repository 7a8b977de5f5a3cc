import { Broker, type BrokerFault, type BrokerFigures, type Features } from '../broker.js';
import { BrokerClosedError } from '../errors.js';
import type { ServerSettings } from './server-options.js';
import { Blockage } from './blockage.js';
import type { Keeper, Losable } from './keeper.js';
import type { Reader } from './reader.js';
import { Remarks } from './remarks.js';

/** Something that publications or readers need: a connection, or a channel. */
export interface Link {
  readonly name: string;
  readonly keeper: Keeper<Losable>;
  /** Without it this one can't be there either. */
  readonly needs?: Keeper<Losable>;
}

/** What adapters of servers have in common: how they start, close, and keep what reads. */
export abstract class ServerBroker<S extends ServerSettings, R extends Reader<Losable>> extends Broker {
  readonly features: Features = { priority: true, queueLimit: true, survivesRestart: true, ttl: true };

  protected readonly remarks: Remarks;
  protected readonly readers = new Set<R>();
  protected readonly blockage = new Blockage();
  protected closing: Promise<void> | undefined;
  private starting: Promise<void> | undefined;

  constructor(protected readonly settings: S) {
    super();
    this.remarks = new Remarks(settings.remark);
  }

  start(): Promise<void> {
    if (this.closing) return Promise.reject(new BrokerClosedError());
    this.starting ??= this.open();
    return this.starting;
  }

  close(timeoutMs = 10_000): Promise<void> {
    this.closing ??= this.shut(timeoutMs);
    return this.closing;
  }

  faults(): readonly BrokerFault[] {
    if (this.closing) return [];
    const { now } = this.blockage;
    return [
      ...this.links
        .filter(({ needs }) => needs?.outage === undefined)
        .flatMap(({ name, keeper }) => faultOf('not_connected', name, keeper)),
      ...(this.isConnected ? [...this.readers].flatMap((reader) => faultOf('consumer_lost', reader.name, reader)) : []),
      ...(now ? [{ kind: 'blocked', of: 'publications', reason: now.reason, since: now.since } as const] : []),
      ...this.missing(),
    ];
  }

  figures(): BrokerFigures {
    const connectionsLost = this.links.reduce((sum, { keeper, needs }) => sum + (needs ? 0 : keeper.losses), 0);
    return { connectionsLost, blockedMs: this.blockage.totalMs, unconfirmed: this.unconfirmed };
  }

  /** Begins to connect; resolves with how the first attempt went: undefined when it is connected. */
  protected abstract connect(): Promise<Error | undefined>;

  /** Resolves when it is connected and ready to publish. */
  protected abstract connected(): Promise<void>;

  protected abstract get isConnected(): boolean;

  /** What publications and readers need. */
  protected abstract get links(): readonly Link[];

  /** Publications that wait to be sent or confirmed. */
  protected abstract get unconfirmed(): number;

  /** What could not be made again at the broker. */
  protected abstract missing(): readonly BrokerFault[];

  /** Begins no chores any more. */
  protected abstract stopChores(): void;

  /** Waits for what is not confirmed for at most `timeoutMs`, rejects the rest, and disconnects. */
  protected abstract disconnect(timeoutMs: number): Promise<void>;

  /** Resolves when the reader that it makes flows; rejects as `Broker.consume` does. */
  protected async begin<One extends R>(make: (onClose: () => void) => One): Promise<One> {
    if (this.closing) throw new BrokerClosedError();
    const reader = make(() => void this.readers.delete(reader));
    this.readers.add(reader);
    reader.start();
    const flowing = reader.flowing().catch(async (error: unknown) => {
      await reader.close(0);
      throw error;
    });
    if (this.settings.start === 'degraded' && !this.isConnected) flowing.catch(() => undefined);
    else await flowing;
    return reader;
  }

  protected isRead(queue: string): boolean {
    return [...this.readers].some((reader) => reader.reads(queue));
  }

  private async open(): Promise<void> {
    const { start } = this.settings;
    try {
      const failure = await this.connect();
      if (failure && start === 'fail') throw failure;
      if (failure && start === 'degraded') return;
      await this.connected();
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Handlers that are let end can still publish and answer; then only what was published is waited for. */
  private async shut(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    this.stopChores();
    await Promise.all([...this.readers].map((reader) => reader.close(timeoutMs)));
    await this.disconnect(Math.max(0, end - Date.now()));
  }
}

const faultOf = (kind: BrokerFault['kind'], of: string, { outage }: Pick<Keeper<Losable>, 'outage'>): BrokerFault[] =>
  outage ? [{ kind, of, reason: outage.reason?.message ?? 'not yet', since: outage.since }] : [];
