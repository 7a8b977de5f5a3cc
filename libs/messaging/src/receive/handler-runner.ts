import type { Transaction } from 'agentmq/database';
import type { ConsumerName } from 'agentmq/message-store';
import { type Message, UnknownTypeError } from 'agentmq/protocol';
import type { StartedSpan } from 'agentmq/telemetry';
import type { Outcome } from '../message-metrics.js';
import { during, endOf } from '../tracing/spans.js';
import type { SealedFor } from '../sealing/sealer.js';
import type { ReceivingDependencies } from './dependencies.js';
import { Attempt } from './handlers/attempt.js';
import type { Handler, Handling } from './handlers/handler.js';
import { type HandlerGroup, HandlerTable } from './handlers/handler-table.js';
import { Places } from './places.js';
import { errorRecord, isSensitive } from './rejected/error-record.js';
import { tellFailed } from './rejected/tell.js';
import { HandlerRuns } from './steps/handler-runs.js';
import { payloadOf } from './steps/payload.js';

export interface HandlerRunnerOptions {
  /** For which consumer the handlers run. */
  readonly consumer: ConsumerName;
  readonly handlers: readonly Handler[];
  /** The most that run at once; {@link HandlerRunner.places} counts them. */
  readonly concurrency: number;
}

/** What is run. */
export interface Runnable {
  /** Its payload, and what the handlers see of it. */
  readonly message: Message;
  /** 1 for the first. */
  readonly attempt: number;
  /** What the payload was sealed for, where it is sealed. */
  readonly sealedFor?: SealedFor;
  /** In the trace: what it was submitted to, e.g. `capability.resize`. */
  readonly to: string;
}

/**
 * Runs handlers for what came to the agent by no inbox, such as a task: the same reading, validation, time limits, flow,
 * metrics, log and trace as messages have. What is to be recorded of it, and where, is the caller's.
 */
export class HandlerRunner {
  readonly places: Places;
  private readonly handlers: HandlerTable;
  private readonly runs = new HandlerRuns();

  constructor(
    private readonly dependencies: ReceivingDependencies,
    private readonly options: HandlerRunnerOptions,
  ) {
    this.places = new Places(options.concurrency);
    this.handlers = new HandlerTable(options.handlers, dependencies.options, dependencies.metrics);
  }

  /** How many run now. */
  get inFlight(): number {
    return this.runs.count;
  }

  /** Throws `UnknownTypeError` when no handler takes the message. */
  start(what: Runnable): HandlerRun {
    const { consumer } = this.options;
    const { type, version } = what.message;
    const group = this.handlers.find(what.message);
    if (!group) throw new UnknownTypeError(type, version, consumer);
    const { agentId } = this.dependencies.options;
    const attempt = new Attempt(what.message, consumer, what.attempt, agentId);
    return new HandlerRun(this.dependencies, this.runs, group, what, attempt);
  }
}

/** One run of the handlers of a message. */
export class HandlerRun {
  private readonly begun: Date | undefined;
  private readonly span: StartedSpan | undefined;

  constructor(
    private readonly dependencies: ReceivingDependencies,
    private readonly runs: HandlerRuns,
    private readonly group: HandlerGroup,
    private readonly what: Runnable,
    private readonly attempt: Attempt,
  ) {
    this.begun = dependencies.tracing.taken(what.message, what);
    this.span = dependencies.tracing.spans.processing(what.message, what.to, what.attempt);
  }

  get handling(): Handling {
    return this.attempt;
  }

  get transactional(): boolean {
    return this.group.transactional;
  }

  /** What is told of it has no text of the payload. */
  get isSensitive(): boolean {
    return isSensitive({ message: this.what.message, contract: this.group.contract });
  }

  /** Why it was aborted; undefined while it was not. */
  get aborted(): Error | undefined {
    return this.attempt.aborted;
  }

  /** Aborts the handlers' signal: {@link answer} rejects with the reason at once, whatever the handlers do. The first reason stays. */
  abort(reason: Error): void {
    this.attempt.abort(reason);
  }

  /**
   * Reads the payload, and resolves with what the first handler returns: once for each run. In `around` the handlers run, e.g. in
   * a transaction. Rejects with what is wrong with the payload, what a handler or `around` throws, `HandlerTimeoutError`, or the
   * reason of {@link abort}.
   */
  answer(
    around: (handle: (transaction?: Transaction) => Promise<unknown>) => Promise<unknown> = (handle) => handle(),
  ): Promise<unknown> {
    return during(this.span, this.what.message, () => this.run(around));
  }

  /** Tells metrics and trace, and of an error the log, how it has ended. */
  ended(outcome: Outcome, error?: unknown): void {
    const { tracing } = this.dependencies;
    const { message, attempt, to } = this.what;
    const { contract, metrics } = this.group;
    const told = error === undefined ? {} : { error: errorRecord(error, { message, contract }) };
    if (told.error) {
      const became =
        outcome === 'retrying' ? `failed at attempt ${attempt}, and is tried again` : `has failed at ${to}`;
      tellFailed(message, became, told.error);
    }
    this.span?.end(endOf(outcome, told.error));
    tracing.handled(message, { consumer: to, attempt, begun: this.begun, outcome, ...told }, 'task');
    metrics.received(outcome);
  }

  private async run(
    around: (handle: (transaction?: Transaction) => Promise<unknown>) => Promise<unknown>,
  ): Promise<unknown> {
    const { message, sealedFor } = this.what;
    const payload = await payloadOf(message, this.group, this.dependencies.sealing, sealedFor);
    return around(
      (transaction) =>
        new Promise((resolve, reject) => {
          this.attempt.transaction = transaction;
          this.attempt.onAbort = reject;
          this.runs.run(this.group, payload, this.attempt).then(resolve, reject);
        }),
    );
  }
}
