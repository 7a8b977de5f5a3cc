import { BrokerClosedError, BrokerUnavailableError } from './errors.js';
import { pause } from 'agentmq/time';

/** A publication that is not settled yet. */
export interface Unsettled {
  /** Resolved, rejected or withdrawn. */
  done: boolean;
  /** Milliseconds since the epoch; when to give it up. */
  readonly deadline: number;
  readonly reject: (error: Error) => void;
}

/** The publications of one publisher that are not settled, oldest first. Each is given up at its deadline. */
export class UnsettledPublications<P extends Unsettled> implements Iterable<P> {
  private readonly all = new Set<P>();
  private sweep: NodeJS.Timeout | undefined;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly timeoutMs: number,
    /** Why one is late. */
    private readonly whyLate: (publication: P) => string,
    private readonly onSettled: (publication: P) => void = () => undefined,
  ) {}

  [Symbol.iterator](): Iterator<P> {
    return this.all.values();
  }

  add(publication: P): void {
    this.all.add(publication);
    this.sweep ??= setTimeout(() => this.giveUpLate(), this.timeoutMs);
  }

  /** False when it was settled before. */
  settle(publication: P): boolean {
    if (publication.done) return false;
    publication.done = true;
    this.all.delete(publication);
    this.onSettled(publication);
    if (this.all.size === 0) this.onIdle?.();
    return true;
  }

  fail(publication: P, error: Error): void {
    if (this.settle(publication)) publication.reject(error);
  }

  /** Resolves when all are settled, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.all.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.onIdle = resolve));
    await pause(timeoutMs, idle);
  }

  /** Rejects all with `BrokerClosedError`. */
  abandon(): void {
    clearTimeout(this.sweep);
    for (const publication of [...this.all]) this.fail(publication, new BrokerClosedError());
  }

  private giveUpLate(): void {
    const now = Date.now();
    this.sweep = undefined;
    for (const publication of this.all) {
      if (publication.deadline > now) {
        this.sweep = setTimeout(() => this.giveUpLate(), publication.deadline - now);
        return;
      }
      const why = `${this.whyLate(publication)}: given up after ${this.timeoutMs} ms`;
      this.fail(publication, new BrokerUnavailableError(why));
    }
  }
}
