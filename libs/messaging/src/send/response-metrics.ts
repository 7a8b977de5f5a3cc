import { NoRecipientError, RequestInterruptedError, RequestTimeoutError } from 'agentmq/broker';
import { ContractViolationError, InvalidMessageError, RemoteError } from 'agentmq/protocol';
import type { Metrics } from 'agentmq/telemetry';
import { RecentAverage } from './recent-average.js';

/**
 * How a request ended for its sender: `answered`; `error` (the handler failed, or its answer does not keep its contract);
 * `timeout`; `no_recipient`; `interrupted` (the connection was lost); `cancelled` (by the caller's signal); `failed` (it
 * could not be sent).
 */
type ResponseOutcome = 'answered' | 'error' | 'timeout' | 'no_recipient' | 'interrupted' | 'cancelled' | 'failed';

const WINDOW_MS = 300_000;

/** How long requests took, from the request to its answer, as their sender saw it. */
export class ResponseMetrics {
  private readonly seconds;
  /** By contract type: of contracts that this app's code sends, so they are few. */
  private readonly averages = new Map<string, RecentAverage>();

  constructor(metrics: Metrics) {
    this.seconds = metrics.histogram({
      name: 'agentmq_response_time_seconds',
      help: 'How long requests of this process took until they were answered, or failed; by type of the request, and how it ended',
      labelNames: ['type', 'outcome'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    });
    metrics.sampled(
      {
        name: 'agentmq_response_time_average_seconds',
        help: 'Average response time of the requests of this process that were answered in the last 5 minutes; none when none was',
        labelNames: ['type'],
      },
      () =>
        [...this.averages].flatMap(([type, { value }]) => (value === undefined ? [] : [{ labels: { type }, value }])),
    );
  }

  /** `begun` by `performance.now()`. */
  answered(type: string, begun: number): void {
    const seconds = this.observe(type, 'answered', begun);
    let average = this.averages.get(type);
    if (!average) this.averages.set(type, (average = new RecentAverage(WINDOW_MS)));
    average.add(seconds);
  }

  failed(type: string, begun: number, error: unknown, signal: AbortSignal | undefined): void {
    this.observe(type, signal?.aborted ? 'cancelled' : outcomeOf(error), begun);
  }

  private observe(type: string, outcome: ResponseOutcome, begun: number): number {
    const seconds = (performance.now() - begun) / 1_000;
    this.seconds.observe({ type, outcome }, seconds);
    return seconds;
  }
}

function outcomeOf(error: unknown): ResponseOutcome {
  if (error instanceof RequestTimeoutError) return 'timeout';
  if (error instanceof NoRecipientError) return 'no_recipient';
  if (error instanceof RequestInterruptedError) return 'interrupted';
  const isOfTheAnswer = [RemoteError, ContractViolationError, InvalidMessageError].some(
    (kind) => error instanceof kind,
  );
  return isOfTheAnswer ? 'error' : 'failed';
}
