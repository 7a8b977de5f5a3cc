import { circuitBreaker, CircuitState as Position, handleWhenResult, type IBackoff } from 'cockatiel';
import { CircuitOpenError } from './errors.js';
import { type FailureLimits, FailureWindow } from './failure-window.js';
import { type Verdict, verdictOf } from './verdict.js';

/**
 * - `closed`: calls go through
 * - `open`: none does
 * - `half_open`: the next call goes through as a probe, or one is under way and no other goes through
 */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** Times in ms. */
export interface CircuitLimits extends FailureLimits {
  /** How long it stays open before a call may try the agent. */
  readonly openTime: number;
  /** How long a probe may take unless the call says otherwise; one that takes longer has failed. */
  readonly probeTimeout: number;
}

export interface CallOptions {
  /** When it aborts, the call says nothing of the agent. */
  readonly signal?: AbortSignal | undefined;
  /** How long the call may take as a probe, in ms; `CIRCUIT_PROBE_TIMEOUT` unless given. */
  readonly timeout?: number | undefined;
}

/** How a call ended. */
interface Ended {
  readonly verdict: Verdict;
}

/** A call of which the policy counts nothing. */
class Uncounted extends Error {}

/**
 * The circuit of one instance of an agent. Cockatiel moves it between its states; what is counted, when a probe is due
 * and how it ends is decided here:
 * - A call that was sent before the circuit opened is not counted: it neither opens it again nor ends a probe.
 * - A probe ends when it settles, its signal aborts, or its time is up. If it says nothing of the agent, the next call
 *   is a probe.
 * - Its times are of the monotonic clock, so a computer whose clock is set back does not keep it open.
 */
export class Circuit {
  private readonly policy;
  /** Counts how often it has opened. */
  private openings = 0;
  private isProbeDue = false;
  private probeAt = new Date(0);
  private timer: NodeJS.Timeout | undefined;
  private shown: { readonly state: CircuitState; readonly since: Date } = { state: 'closed', since: new Date() };

  /** `changed` is called after each change of {@link state}. */
  constructor(
    readonly agentId: string,
    readonly instance: string,
    private readonly limits: CircuitLimits,
    private readonly changed: () => void = () => undefined,
  ) {
    this.policy = circuitBreaker(
      handleWhenResult((ended) => (ended as Ended).verdict !== 'well'),
      { breaker: new FailureWindow(limits), halfOpenAfter: { next: ({ result }) => this.opened(result) } },
    );
    this.policy.onStateChange(() => this.show());
  }

  get state(): CircuitState {
    return this.shown.state;
  }

  get hasOpened(): boolean {
    return this.openings > 0;
  }

  /** Since when it is in that state. */
  get since(): Date {
    return this.shown.since;
  }

  /** Whether a call would be refused now. */
  get refuses(): boolean {
    const position = this.policy.state;
    return position === Position.HalfOpen || (position === Position.Open && !this.isProbeDue);
  }

  /** Settles as `work` does, or rejects with {@link CircuitOpenError} without calling it. */
  async run<T>(work: () => Promise<T>, options: CallOptions = {}): Promise<T> {
    if (this.refuses) throw new CircuitOpenError(this.agentId, this.probeAt);
    // Not before the policy knows that this is a probe: the work could call another.
    const answer = Promise.resolve().then(work);
    const verdict = this.policy.state === Position.Closed ? this.count(answer, options) : this.probe(answer, options);
    await this.policy
      .execute(async (): Promise<Ended> => ({ verdict: await verdict }))
      .catch((error: unknown) => {
        if (!(error instanceof Uncounted)) throw error;
      });
    // A probe that was given up still has its caller, who waits as long as it likes.
    return answer;
  }

  /** It is needed no more. */
  drop(): void {
    clearTimeout(this.timer);
  }

  private async count(answer: Promise<unknown>, { signal }: CallOptions): Promise<Verdict> {
    const { openings } = this;
    const verdict = await judge(answer, signal);
    if (verdict === 'unknown' || openings !== this.openings) throw new Uncounted();
    return verdict;
  }

  private async probe(
    answer: Promise<unknown>,
    { signal, timeout = this.limits.probeTimeout }: CallOptions,
  ): Promise<Verdict> {
    this.probeAt = new Date(Date.now() + timeout);
    const over = new AbortController();
    const given = new Promise<Verdict>((resolve) => {
      const timer = setTimeout(() => resolve('failing'), timeout).unref();
      const abort = () => resolve('unknown');
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { signal: over.signal });
      over.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    return Promise.race([judge(answer, signal), given]).finally(() => over.abort());
  }

  /** Decides how long it stays open. */
  private opened(result: object): IBackoff<{ readonly result: object }> {
    const says = 'value' in result ? (result.value as Ended).verdict : 'failing';
    this.openings++;
    this.isProbeDue = says === 'unknown';
    if (!this.isProbeDue) {
      this.probeAt = new Date(Date.now() + this.limits.openTime);
      this.timer = setTimeout(() => {
        this.isProbeDue = true;
        this.show();
      }, this.limits.openTime).unref();
    }
    const isProbeDue = () => this.isProbeDue;
    return {
      // Compared with the time since it opened by the computer's clock, which may have been set back.
      get duration() {
        return isProbeDue() ? -Infinity : Infinity;
      },
      next: (context) => this.opened(context.result),
    };
  }

  private show(): void {
    const position = this.policy.state;
    const isOpen = position === Position.Open && !this.isProbeDue;
    const state = position === Position.Closed ? 'closed' : isOpen ? 'open' : 'half_open';
    if (state === this.shown.state) return;
    this.shown = { state, since: new Date() };
    this.changed();
  }
}

const judge = (answer: Promise<unknown>, signal: AbortSignal | undefined): Promise<Verdict> =>
  answer.then(
    () => 'well',
    (error: unknown) => verdictOf(error, signal),
  );
