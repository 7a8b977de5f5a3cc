import type { Recipient } from 'agentmq/protocol';
import { pause } from 'agentmq/time';
import { Fifo } from '../consuming/fifo.js';
import { BrokerClosedError, BrokerUnavailableError, NoRecipientError } from '../errors.js';
import type { ServerSettings } from './server-options.js';

/** A publication or an answer on its way: waiting to be sent, or sent and not confirmed. */
export abstract class Outgoing {
  /** Over the connection of now. */
  sent = false;
  /** Resolved, rejected or withdrawn. */
  done = false;

  constructor(
    /** For errors: the recipient, or where an answer goes. */
    readonly recipient: Recipient | string,
    /** Milliseconds since the epoch; when to give it up. */
    readonly deadline: number,
    readonly resolve: () => void,
    readonly reject: (error: Error) => void,
  ) {}
}

/**
 * Sends publications in the order that they were given. What can't be sent now (not connected, refused for now, too much
 * unconfirmed) waits; what was sent over a lost connection and not confirmed is sent again, first. None waits longer
 * than `publishTimeoutMs` in all.
 */
export abstract class PublishQueue<O extends Outgoing> {
  /** Not settled yet, oldest first. */
  protected readonly open = new Set<O>();
  /** What of it has not been sent. */
  protected readonly waiting = new Fifo<O>();
  private stopped = false;
  private sweep: NodeJS.Timeout | undefined;
  private onIdle: (() => void) | undefined;

  constructor(
    protected readonly settings: ServerSettings,
    private readonly onUnroutable: (recipient: O['recipient']) => void,
  ) {}

  get closed(): boolean {
    return this.stopped;
  }

  /** What waits to be sent or confirmed. */
  get size(): number {
    return this.open.size;
  }

  get blocked(): boolean {
    return this.refusal !== undefined;
  }

  /** Until one of its callbacks is called, or it is withdrawn. */
  add(outgoing: O): O {
    if (this.stopped) {
      outgoing.done = true;
      outgoing.reject(new BrokerClosedError());
      return outgoing;
    }
    this.open.add(outgoing);
    this.sweep ??= setTimeout(() => this.giveUpLate(), this.settings.publishTimeoutMs);
    if (this.waiting.size > 0 || !this.write(outgoing)) this.waiting.push(outgoing);
    return outgoing;
  }

  /** The caller does not need the outcome any more; it is not sent if it has not been. */
  withdraw(outgoing: O): void {
    this.settle(outgoing);
  }

  /** Resolves when nothing is unconfirmed, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.open.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.onIdle = resolve));
    await pause(timeoutMs, idle);
  }

  /** Takes nothing more. */
  stop(): void {
    this.stopped = true;
  }

  /** Rejects what is unconfirmed with `BrokerClosedError`. */
  abandon(): void {
    this.stop();
    clearTimeout(this.sweep);
    for (const outgoing of this.open) this.fail(outgoing, new BrokerClosedError());
  }

  protected abstract get isConnected(): boolean;

  /** Why the broker takes nothing for now. */
  protected abstract get refusal(): string | undefined;

  /** False when it can't be sent now. */
  protected abstract write(outgoing: O): boolean;

  protected deadline(): number {
    return Date.now() + this.settings.publishTimeoutMs;
  }

  protected pump(): void {
    for (let next = this.waiting.peek(); next; next = this.waiting.peek()) {
      if (!next.done && !this.write(next)) return;
      this.waiting.shift();
    }
  }

  /** False when it was settled before. */
  protected settle(outgoing: O): boolean {
    if (outgoing.done) return false;
    outgoing.done = true;
    this.open.delete(outgoing);
    if (this.open.size === 0) this.onIdle?.();
    return true;
  }

  protected succeed(outgoing: O): void {
    if (this.settle(outgoing)) outgoing.resolve();
  }

  protected fail(outgoing: O, error: Error): void {
    if (this.settle(outgoing)) outgoing.reject(error);
  }

  protected failUnroutable(outgoing: O): void {
    this.fail(outgoing, new NoRecipientError(outgoing.recipient));
    this.onUnroutable(outgoing.recipient);
  }

  private giveUpLate(): void {
    const now = Date.now();
    const { publishTimeoutMs } = this.settings;
    this.sweep = undefined;
    for (const outgoing of this.open) {
      if (outgoing.deadline > now) {
        this.sweep = setTimeout(() => this.giveUpLate(), outgoing.deadline - now);
        return;
      }
      const why = `${this.whyLate(outgoing)}: given up after ${publishTimeoutMs} ms`;
      this.fail(outgoing, new BrokerUnavailableError(why));
    }
  }

  private whyLate({ sent }: O): string {
    if (this.refusal !== undefined) return `the broker takes no messages for now (${this.refusal})`;
    if (!this.isConnected) return 'the broker is not connected';
    return sent ? 'the broker did not confirm' : 'too many publications wait';
  }
}
