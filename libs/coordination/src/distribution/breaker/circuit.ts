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

/**
 * The circuit of one instance of an agent.
 * - A call that was sent before the circuit opened is not counted: it neither opens it again nor ends a probe.
 * - A probe ends when it settles, its signal aborts, or its time is up. If it says nothing of the agent, the next call
 *   is a probe.
 * - Its times are of the monotonic clock, so a computer whose clock is set back does not keep it open.
 */
export class Circuit {
  private readonly calls: FailureWindow;
  /** Counts how often it has opened. */
  private openings = 0;
  private isProbing = false;
  private probeAt = new Date(0);
  private timer: NodeJS.Timeout | undefined;
  private shown: { readonly state: CircuitState; readonly since: Date } = { state: 'closed', since: new Date() };

  /** `changed` is called after each change of {@link state}. It never throws. */
  constructor(
    readonly agentId: string,
    readonly instance: string,
    private readonly limits: CircuitLimits,
    private readonly changed: () => void = () => undefined,
  ) {
    this.calls = new FailureWindow(limits);
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
    return this.state === 'open' || this.isProbing;
  }

  /** Settles as `work` does, or rejects with {@link CircuitOpenError} without calling it. */
  async run<T>(work: () => Promise<T>, options: CallOptions = {}): Promise<T> {
    if (this.refuses) throw new CircuitOpenError(this.agentId, this.probeAt);
    const ended = this.state === 'half_open' ? this.probe(options) : this.counted();
    try {
      const answer = await work();
      ended('well');
      return answer;
    } catch (error) {
      ended(verdictOf(error, options.signal));
      throw error;
    }
  }

  /** It is needed no more. */
  drop(): void {
    clearTimeout(this.timer);
  }

  /** A call begins. Returns what is to be told how it ended. */
  private counted(): (verdict: Verdict) => void {
    const { openings } = this;
    return (verdict) => {
      if (verdict === 'unknown' || openings !== this.openings) return;
      if (this.calls.count(verdict === 'failing')) this.open();
    };
  }

  /** A probe begins. Returns what is to be told how it ended; once it was given up, that changes nothing. */
  private probe({ signal, timeout = this.limits.probeTimeout }: CallOptions): (verdict: Verdict) => void {
    this.isProbing = true;
    this.probeAt = new Date(Date.now() + timeout);
    const over = new AbortController();
    const ended = (verdict: Verdict): void => {
      if (over.signal.aborted) return;
      over.abort();
      clearTimeout(timer);
      this.isProbing = false;
      if (verdict === 'failing') this.open();
      if (verdict !== 'well') return;
      this.calls.clear();
      this.become('closed');
    };
    const timer = setTimeout(() => ended('failing'), timeout).unref();
    if (signal?.aborted) ended('unknown');
    signal?.addEventListener('abort', () => ended('unknown'), { signal: over.signal });
    return ended;
  }

  private open(): void {
    const { openTime } = this.limits;
    this.openings++;
    this.probeAt = new Date(Date.now() + openTime);
    this.timer = setTimeout(() => this.become('half_open'), openTime).unref();
    this.become('open');
  }

  private become(state: CircuitState): void {
    this.shown = { state, since: new Date() };
    this.changed();
  }
}
