import { BrokerClosedError } from '../errors.js';
import { backoff, pause } from 'agentmq/time';
import type { ServerSettings } from './server-options.js';

/** Something that can be lost: a connection, or a channel with what was set up on it. */
export interface Losable {
  /** Resolves with the reason when it is lost or closed; never rejects. */
  readonly gone: Promise<Error>;
  /** Never rejects; safe to call when it is gone. */
  close(): Promise<void>;
}

/** Since when something is not open, and why not: the last error, if there was one. */
export interface Outage {
  readonly since: Date;
  readonly reason: Error | undefined;
}

export interface KeeperOptions<T extends Losable> {
  open(): Promise<T>;
  /** Called as soon as it is open. Must not throw. */
  onOpen?(resource: T): void;
  /** Called when it was lost, before it is opened again. Must not throw. */
  onLost?(resource: T, reason: Error): void;
  /** Errors of `open` after which to stop trying; asked only until it was open once. */
  givesUp?(error: Error): boolean;
}

/** One that lived shorter than this before it was lost did not work: the delays go on growing. */
const STABLE_MS = 5_000;

/** Keeps one thing open: opens it, and whenever it is lost opens it again, after delays that grow and are jittered. */
export class Keeper<T extends Losable> {
  private resource: T | undefined;
  private waiters: { resolve(resource: T): void; reject(error: Error): void }[] = [];
  private readonly stopping = new AbortController();
  private everOpen = false;
  private lastError: Error | undefined;
  /** Since when it is not open, or was not for long enough. */
  private goneSince = new Date();
  private lossCount = 0;

  constructor(
    private readonly settings: Pick<ServerSettings, 'report' | 'reconnectMinMs' | 'reconnectMaxMs'>,
    private readonly options: KeeperOptions<T>,
  ) {}

  get current(): T | undefined {
    return this.resource;
  }

  /** Undefined while it is open. */
  get outage(): Outage | undefined {
    return this.resource ? undefined : { since: this.goneSince, reason: this.lastError };
  }

  /** How often it was lost. */
  get losses(): number {
    return this.lossCount;
  }

  /** Resolves with how the first attempt went: undefined when it is open. */
  start(): Promise<Error | undefined> {
    return new Promise((resolve) => void this.run(resolve));
  }

  /** Resolves when it is open. Rejects when it is stopped, or with the error that made it give up. */
  opened(): Promise<T> {
    if (this.resource) return Promise.resolve(this.resource);
    if (this.stopping.signal.aborted) return Promise.reject(new BrokerClosedError());
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
  }

  /** Opens it no more. What is open stays, is the caller's to close, and is returned. */
  stop(error: Error = new BrokerClosedError()): T | undefined {
    this.stopping.abort();
    const waiters = this.waiters;
    this.waiters = [];
    for (const { reject } of waiters) reject(error);
    return this.resource;
  }

  private async run(firstAttempt: (outcome: Error | undefined) => void): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted) {
      const began = Date.now();
      try {
        const resource = await this.options.open();
        if (signal.aborted) {
          await resource.close();
          break;
        }
        this.setOpen(resource);
        firstAttempt(undefined);
        const reason = await resource.gone;
        this.resource = undefined;
        this.lastError = reason;
        this.lossCount++;
        if (Date.now() - began > STABLE_MS) {
          failures = 0;
          this.goneSince = new Date();
        }
        if (signal.aborted) break;
        this.options.onLost?.(resource, reason);
        this.settings.report(reason);
      } catch (thrown) {
        if (signal.aborted) break;
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        this.lastError = error;
        this.settings.report(error);
        if (!this.everOpen && this.options.givesUp?.(error)) this.stop(error);
        firstAttempt(error);
      }
      const { reconnectMinMs, reconnectMaxMs } = this.settings;
      await pause(backoff(failures++, reconnectMinMs, reconnectMaxMs), signal);
    }
    firstAttempt(new BrokerClosedError());
  }

  private setOpen(resource: T): void {
    this.everOpen = true;
    this.resource = resource;
    this.options.onOpen?.(resource);
    const waiters = this.waiters;
    this.waiters = [];
    for (const { resolve } of waiters) resolve(resource);
  }
}
