import { persistently, RefusedDataError, whileStoreIsAway } from 'agentmq/database';
import type { Claim, ClaimRef, ClaimResult, ConsumerName, Failure, DeliveryStore } from 'agentmq/message-store';
import type { Message, TraceContext } from 'agentmq/protocol';
import { activeTrace } from 'agentmq/telemetry';
import { backoff, pause, within } from 'agentmq/time';
import { Batcher, LIMITS } from '../../batcher.js';
import type { ReceivingDependencies, Report } from '../dependencies.js';
import type { Spans } from '../../tracing/spans.js';
import { Attempt } from '../handlers/attempt.js';

/** What decides about a claim, beside the message. */
export type Asked = Pick<Claim, 'redelivered' | 'attempts' | 'alone'>;

type Claimed = Extract<ClaimResult, { readonly outcome: 'claimed' }> & {
  /** When its time to live ends, by the monotonic clock: not later than by the database's. */
  readonly endsAt: number;
};

type Answer = Exclude<ClaimResult, { readonly outcome: 'claimed' }> | Claimed;

export type Taken = Exclude<Answer, { readonly outcome: 'unknown' }>;

/** A claim that this process has. `attempt` is aborted when it is lost, or when the agent stops without waiting any longer. */
export interface HeldClaim {
  readonly ref: ClaimRef;
  readonly attempt: Attempt;
  readonly endsAt: number;
}

/** What is asked of the store, and the context that its span is a child of. */
type OfTrace<T> = T & { readonly trace?: TraceContext | undefined };

/** In the span of the attempt that it ends. */
function ofTrace<T extends object>(what: T): OfTrace<T> {
  const trace = activeTrace();
  return trace ? { ...what, trace } : what;
}

/** How long giving back may take at a stop, in ms. */
export const RELEASE_MS = 1_000;

/** The first wait for a message that another process holds, in ms. */
const BUSY_FIRST_MS = 250;

/** The claims of one consumer in this process: taken in batches, renewed while they are held, given back at the end. */
export class Claims {
  private readonly stopping = new AbortController();
  private readonly held = new Set<HeldClaim>();
  private readonly store: DeliveryStore;
  private readonly agentId: string;
  private readonly leaseMs: number;
  private readonly spans: Spans;
  private readonly metrics: ReceivingDependencies['metrics'];
  private renewal: NodeJS.Timeout | undefined;

  private readonly claims: Batcher<OfTrace<Claim>, Answer>;
  private readonly records = new Batcher<Message, void>((batch) =>
    this.patiently(() => this.store.record(batch)).then(() => undefined),
  );
  private readonly completions: Batcher<OfTrace<ClaimRef>, boolean>;
  private readonly failures: Batcher<OfTrace<Failure>, boolean>;

  constructor(
    {
      store,
      options: { agentId, leaseMs },
      metrics,
      tracing,
    }: Pick<ReceivingDependencies, 'store' | 'options' | 'metrics' | 'tracing'>,
    private readonly consumer: ConsumerName,
    private readonly report: Report,
  ) {
    this.store = store.deliveries;
    this.agentId = agentId;
    this.leaseMs = leaseMs;
    this.spans = tracing.spans;
    this.metrics = metrics;
    const ask = (batch: OfTrace<Claim>[]): Promise<Answer[]> => this.patiently(() => this.askFor(batch));
    const settle = <Item, Result>(batch: OfTrace<Item>[], write: () => Promise<Result>): Promise<Result> =>
      this.spans.together('settle', this.consumer, batch, write);
    const complete = (batch: OfTrace<ClaimRef>[]) => settle(batch, () => this.store.complete(batch));
    const fail = (batch: OfTrace<Failure>[]) => settle(batch, () => this.store.fail(batch));
    this.claims = new Batcher(ask, LIMITS, metrics.batches('claim'));
    this.completions = new Batcher(complete, LIMITS, metrics.batches('complete'));
    this.failures = new Batcher(fail, LIMITS, metrics.batches('fail'));
  }

  /** Aborts when the claims were given back. */
  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  start(): void {
    this.renewal = setInterval(() => void this.renew(), this.leaseMs / 3).unref();
  }

  /** Aborts what is still held, and gives it back, within `RELEASE_MS`; after that its lease ends it. */
  async stop(): Promise<void> {
    clearInterval(this.renewal);
    this.stopping.abort();
    const unfinished = [...this.held];
    for (const { attempt } of unfinished) attempt.abort(new Error('the agent stops'));
    if (unfinished.length === 0) return;
    const released = this.store.release(unfinished.map(({ ref }) => ref));
    await within(
      RELEASE_MS,
      released.catch((error: unknown) => this.report('release', error)),
    );
  }

  /** Asks for a message, and stores it first if it came from outside. Rejects when the agent stops. */
  async ask(message: Message, asked: Asked): Promise<Taken> {
    const { messageId, copy = '', trace } = message;
    const claim: OfTrace<Claim> = { messageId, consumer: this.consumer, copy, trace, ...asked };
    for (;;) {
      this.stopping.signal.throwIfAborted();
      const answer = await this.claims.add(claim);
      if (answer.outcome !== 'unknown') return answer;
      await this.record(message);
    }
  }

  /** Stores a message that came from outside. */
  record(message: Message): Promise<void> {
    return this.records.add(message);
  }

  /** Waits before a message is asked for again, or until the agent stops. */
  rest(tries: number): Promise<void> {
    return pause(backoff(tries, BUSY_FIRST_MS, this.leaseMs / 3), this.stopping.signal);
  }

  /** From now on the claim is renewed, until it is dropped. */
  hold(message: Message, { attempt, failures, endsAt }: Claimed): HeldClaim {
    const ref = { messageId: message.messageId, consumer: this.consumer, attempt };
    const held = { ref, endsAt, attempt: new Attempt(message, this.consumer, failures + 1, this.agentId) };
    this.held.add(held);
    return held;
  }

  drop(held: HeldClaim): void {
    this.held.delete(held);
  }

  /** False when the claim was lost. The work is done: whatever the store says, its end is recorded while the claim lasts. */
  complete({ ref }: HeldClaim): Promise<boolean> {
    const completion = ofTrace(ref);
    return this.completions.add(completion).catch(() => this.persistently(() => this.completions.add(completion)));
  }

  /** False when the claim was lost. Tried as long as `complete`; an error that the store can't hold is named instead. */
  async fail(failure: Failure): Promise<boolean> {
    try {
      return await this.persistently(() => this.failures.add(ofTrace(failure)));
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

  /** Waits for a store that is away, until the agent stops. */
  patiently<T>(work: () => Promise<T>): Promise<T> {
    return whileStoreIsAway(this.stopping.signal, work);
  }

  private persistently<T>(work: () => Promise<T>): Promise<T> {
    return persistently(this.leaseMs, this.stopping.signal, work);
  }

  private async askFor(batch: readonly OfTrace<Claim>[]): Promise<Answer[]> {
    const asked = performance.now();
    const answers = await this.spans.together('receive', this.consumer, batch, () =>
      this.store.claim(batch, this.agentId, this.leaseMs),
    );
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
        this.leaseMs,
      );
      held.forEach((claim, index) => {
        if (still[index] !== false || !this.held.has(claim)) return;
        this.metrics.claimLost();
        claim.attempt.abort(new Error('the claim was lost'));
      });
    } catch (error) {
      this.report('renew', error);
    }
  }
}

/** Whether the message has expired since it was claimed. */
export const isOver = ({ endsAt }: HeldClaim): boolean => performance.now() >= endsAt;
