import type { WireMessage } from 'agentmq/protocol';
import type { MessageHandler } from '../broker.js';
import { PriorityWindow } from './priority-window.js';

/** A message that a consumer was given and has not answered for yet. */
export interface Held<M extends WireMessage> {
  readonly message: M;
  /** How often it was given back before, as far as the broker tells. */
  readonly returns: number;
  /** The broker has taken it away: the connection that it came over is lost. Answering for it does nothing. */
  readonly stale: boolean;
  accept(): void;
  giveBack(): void;
}

const FIRST_RETURN_MS = 100;
const LONGEST_RETURN_MS = 5_000;

/** How long a message whose handler rejected is held before it goes back, so that its failing is no busy loop. */
const returnDelayMs = (returns: number): number =>
  Math.min(LONGEST_RETURN_MS, FIRST_RETURN_MS * 2 ** Math.min(returns, 10));

/** Runs one consumer's handler on what is fetched: at most `concurrency` at once, what waits by priority. */
export class Dispatcher<M extends WireMessage> {
  private readonly waiting = new PriorityWindow<Held<M>>();
  private readonly running = new Set<Held<M>>();
  private readonly resting = new Map<Held<M>, NodeJS.Timeout>();
  private open = true;
  private onIdle = (): void => undefined;

  constructor(
    private readonly concurrency: number,
    private readonly handler: MessageHandler<M>,
  ) {}

  /** Starts the handler, or keeps the message until one is free. Never throws. */
  add(held: Held<M>): void {
    if (this.open && this.running.size < this.concurrency) this.run(held);
    else this.waiting.push(held, held.message.properties.priority);
  }

  /** Forgets what the broker has taken away. Handlers that run go on; what they return is not reported. */
  forgetStale(): void {
    this.waiting.filter((held) => !held.stale);
    for (const [held, timer] of this.resting) {
      if (!held.stale) continue;
      clearTimeout(timer);
      this.resting.delete(held);
    }
  }

  /** Starts no handler any more; what still comes is kept, to be given back. */
  stop(): void {
    this.open = false;
  }

  /** Starts handlers again: first for what it has kept. */
  resume(): void {
    this.open = true;
    this.fill();
  }

  /** Gives back what was not started. */
  giveBackUnstarted(): void {
    const unstarted = [...this.resting.keys()];
    for (const timer of this.resting.values()) clearTimeout(timer);
    this.resting.clear();
    for (let held = this.waiting.take(); held; held = this.waiting.take()) unstarted.push(held);
    for (const held of unstarted) held.giveBack();
  }

  /** Gives back what was not started, and once `timeUp` has resolved also what has not ended. */
  async drain(timeUp: Promise<void>): Promise<void> {
    this.stop();
    this.giveBackUnstarted();
    if (this.running.size > 0) {
      const idle = new Promise<void>((resolve) => (this.onIdle = resolve));
      await Promise.race([idle, timeUp]);
    }
    const unfinished = [...this.running];
    this.running.clear();
    for (const held of unfinished) held.giveBack();
  }

  private run(held: Held<M>): void {
    this.running.add(held);
    let outcome: Promise<void>;
    try {
      outcome = this.handler(held.message);
    } catch (error) {
      outcome = Promise.reject(error);
    }
    outcome.then(
      () => this.ended(held, true),
      () => this.ended(held, false),
    );
  }

  private ended(held: Held<M>, succeeded: boolean): void {
    // Given back by `drain` in the meantime.
    if (!this.running.delete(held)) return;
    if (succeeded) held.accept();
    else this.rest(held);
    if (this.running.size === 0) this.onIdle();
    this.fill();
  }

  private fill(): void {
    while (this.open && this.running.size < this.concurrency) {
      const next = this.waiting.take();
      if (!next) return;
      this.run(next);
    }
  }

  private rest(held: Held<M>): void {
    if (held.stale) return;
    if (!this.open) {
      held.giveBack();
      return;
    }
    const timer = setTimeout(() => {
      this.resting.delete(held);
      held.giveBack();
    }, returnDelayMs(held.returns));
    this.resting.set(held, timer);
  }
}
