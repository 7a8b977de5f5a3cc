import { setMaxListeners } from 'node:events';
import type { Message } from 'agentmq/protocol';
import {
  type Claim,
  type ClaimRef,
  type ClaimResult,
  type ConsumerName,
  type Failure,
  type MessageStore,
} from 'agentmq/message-store';
import { persistently, RefusedDataError, whileStoreIsAway } from 'agentmq/database';
import { Batcher } from '../batcher.js';
import { backoff, pause, within } from 'agentmq/time';

export interface ClaimsOptions {
  /** Agent id, as the claimant. */
  readonly agentId: string;
  readonly consumer: ConsumerName;
  /** How long a claim lasts unless it is renewed, in ms. */
  readonly leaseMs: number;
}

/** What decides about a claim, beside the message. */
export type Asked = Pick<Claim, 'redelivered' | 'attempts' | 'alone'>;

type Claimed = Extract<ClaimResult, { readonly outcome: 'claimed' }> & {
  /** When its time to live ends, by the monotonic clock: not later than by the database's. */
  readonly endsAt: number;
};

type Answer = Exclude<ClaimResult, { readonly outcome: 'claimed' }> | Claimed;

export type Taken = Exclude<Answer, { readonly outcome: 'busy' } | { readonly outcome: 'unknown' }>;

/** A claim that is ours. `signal` aborts when it is lost, or when the agent stops without waiting any longer. */
export interface HeldClaim {
  readonly ref: ClaimRef;
  readonly abort: AbortController;
  readonly endsAt: number;
}

/** How long giving back may take at a stop, in ms. */
export const RELEASE_MS = 1_000;

/** The first wait for a message that another holds, in ms. */
const BUSY_FIRST_MS = 250;

/** The claims of one consumer in this process: taken in batches, renewed while they are held, given back at the end. */
export class Claims {
  private readonly stopping = new AbortController();
  private readonly held = new Set<HeldClaim>();
  private renewal: NodeJS.Timeout | undefined;

  private readonly claims: Batcher<Claim, Answer>;
  private readonly records: Batcher<Message, void>;
  private readonly completions: Batcher<ClaimRef, boolean>;
  private readonly failures: Batcher<Failure, boolean>;

  constructor(
    private readonly store: MessageStore,
    private readonly options: ClaimsOptions,
    private readonly report: (what: string, error: unknown) => void,
  ) {
    // Each transient message that is handled listens for the stop.
    setMaxListeners(0, this.stopping.signal);
    this.claims = new Batcher((batch) => this.askFor(batch));
    this.records = new Batcher((batch) => store.record(batch).then(() => undefined));
    this.completions = new Batcher((batch) => store.complete(batch));
    this.failures = new Batcher((batch) => store.fail(batch));
  }

  /** Aborts when the claims were given back. */
  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  start(): void {
    this.renewal = setInterval(() => void this.renew(), this.options.leaseMs / 3).unref();
  }

  /** Aborts what is still held, and gives it back, within `RELEASE_MS`; after that its lease ends it. */
  async stop(): Promise<void> {
    clearInterval(this.renewal);
    this.stopping.abort();
    const unfinished = [...this.held];
    for (const { abort } of unfinished) abort.abort(new Error('the agent stops'));
    if (unfinished.length === 0) return;
    const released = this.store.release(unfinished.map(({ ref }) => ref));
    await within(
      RELEASE_MS,
      released.catch((error: unknown) => this.report('release', error)),
    );
  }

  /**
   * Asks for a message until the answer decides. While another holds it, it is not ours to acknowledge: the other may be
   * gone, or be our own claim whose answer was lost, so we ask until its lease ends. Rejects when the agent stops.
   */
  async take(message: Message, asked: Asked): Promise<Taken> {
    for (let tries = 0; ; tries++) {
      const answer = await this.ask(message, asked);
      if (answer.outcome !== 'busy') return answer;
      await this.rest(tries);
    }
  }

  /** Asks once: `take` for those who have something better to do than to wait. */
  async ask(message: Message, asked: Asked): Promise<Taken | { readonly outcome: 'busy' }> {
    const { messageId, copy = '' } = message;
    const claim: Claim = { messageId, consumer: this.options.consumer, copy, ...asked };
    for (;;) {
      this.stopping.signal.throwIfAborted();
      const answer = await this.patiently(() => this.claims.add(claim));
      if (answer.outcome !== 'unknown') return answer;
      await this.record(message);
    }
  }

  /** Stores a message that came from outside. */
  record(message: Message): Promise<void> {
    return this.patiently(() => this.records.add(message));
  }

  /** Waits before a message is asked for again, or until the agent stops. */
  rest(tries: number): Promise<void> {
    return pause(backoff(tries, BUSY_FIRST_MS, this.options.leaseMs / 3), this.stopping.signal);
  }

  /** From now on the claim is renewed, until it is dropped. */
  hold(messageId: string, { attempt, endsAt }: Claimed): HeldClaim {
    const ref = { messageId, consumer: this.options.consumer, attempt };
    const held = { ref, endsAt, abort: new AbortController() };
    // A handler may pass its signal to as many calls as it likes.
    setMaxListeners(0, held.abort.signal);
    this.held.add(held);
    return held;
  }

  /** Whether the message has expired since it was claimed. */
  static isOver({ endsAt }: HeldClaim): boolean {
    return performance.now() >= endsAt;
  }

  drop(held: HeldClaim): void {
    this.held.delete(held);
  }

  /** False when the claim was lost. The work is done: whatever the store says, its end is recorded while the claim lasts. */
  complete({ ref }: HeldClaim): Promise<boolean> {
    return this.persistently(() => this.completions.add(ref));
  }

  /** False when the claim was lost. Tried as long as `complete`; an error that the store can't hold is named instead. */
  async fail(failure: Failure): Promise<boolean> {
    try {
      return await this.persistently(() => this.failures.add(failure));
    } catch (error) {
      if (!(error instanceof RefusedDataError)) throw error;
      const { name, code, retryable } = failure.error;
      const bare = { name, code, retryable, message: `not kept: ${error.message}` };
      return this.persistently(() => this.failures.add({ ...failure, error: bare }));
    }
  }

  /** Frees a claim, so that the next one gets the message at once. */
  release({ ref }: HeldClaim): Promise<void> {
    return this.patiently(() => this.store.release([ref]));
  }

  private persistently<T>(work: () => Promise<T>): Promise<T> {
    return persistently(this.options.leaseMs, this.stopping.signal, work);
  }

  patiently<T>(work: () => Promise<T>): Promise<T> {
    return whileStoreIsAway(this.stopping.signal, work);
  }

  private async askFor(batch: readonly Claim[]): Promise<Answer[]> {
    const asked = performance.now();
    const answers = await this.store.claim(batch, this.options.agentId, this.options.leaseMs);
    return answers.map((answer) =>
      answer.outcome === 'claimed' ? { ...answer, endsAt: asked + answer.leftMs } : answer,
    );
  }

  private async renew(): Promise<void> {
    const held = [...this.held];
    if (held.length === 0) return;
    try {
      const still = await this.store.renew(
        held.map(({ ref }) => ref),
        this.options.leaseMs,
      );
      held.forEach((claim, index) => {
        if (still[index] === false && this.held.has(claim)) claim.abort.abort(new Error('the claim was lost'));
      });
    } catch (error) {
      this.report('renew', error);
    }
  }
}
