import { type Metrics, sample } from 'agentmq/telemetry';

/** How a received message ended here. */
export type Outcome =
  | 'completed'
  | 'retrying'
  | 'failed'
  | 'rejected'
  | 'expired'
  | 'duplicate'
  | 'ignored'
  | 'fenced'
  | 'forwarded'
  | 'waiting'
  | 'dead_lettered';

/** What is done for several messages at once. */
export type BatchKind = 'append' | 'settle' | 'claim' | 'complete' | 'fail';

/** What this process sent and received. Types are those of contracts that it knows: any type would make the series unbounded. */
export class MessageMetrics {
  private readonly sentTotal;
  private readonly receivedTotal;
  /** What counts in a series, by its name and labels. */
  private readonly counts = new Map<string, () => void>();
  private readonly replayedTotal;
  private readonly waitingGauge;
  private readonly handlerSeconds;
  private inFlight = 0;
  private readonly hopsTotal;
  private readonly expiredTotal;
  private readonly claimsLostTotal;
  private readonly batchItems;

  constructor(
    metrics: Metrics,
    /** Called when a message ends otherwise than completed: something may be left to do for it. */
    private readonly onLeft: () => void = () => undefined,
  ) {
    this.sentTotal = metrics.tally({
      name: 'agentmq_messages_sent_total',
      help: 'Messages sent, by contract type and kind of recipient',
      labelNames: ['type', 'recipient'],
    });
    this.receivedTotal = metrics.tally({
      name: 'agentmq_messages_received_total',
      help: 'Messages received, by contract type and how they ended',
      labelNames: ['type', 'outcome'],
    });
    this.replayedTotal = metrics.counter({
      name: 'agentmq_messages_replayed_total',
      help: 'Messages put on their way again since the broker did not hold them any more',
    });
    this.waitingGauge = metrics.gauge({
      name: 'agentmq_messages_waiting_for_handler',
      help: 'Messages that no instance of their consumer handles: they wait for one that does',
      labelNames: ['consumer'],
    });
    this.handlerSeconds = metrics.histogram({
      name: 'agentmq_handler_duration_seconds',
      help: 'How long handlers ran',
      labelNames: ['type'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120],
    });
    metrics.sampled({ name: 'agentmq_messages_in_flight', help: 'Messages being handled now' }, () => [
      sample(this.inFlight),
    ]);
    this.expiredTotal = metrics.counter({
      name: 'agentmq_deliveries_expired_total',
      help: 'Messages that were owed and expired before a consumer took them, as this process found them in the store',
    });
    this.claimsLostTotal = metrics.counter({
      name: 'agentmq_claims_lost_total',
      help: 'Claims that this process had and lost: what its handler did does not count',
    });
    this.batchItems = metrics.histogram({
      name: 'agentmq_batch_items',
      help: 'Items of a statement that does several at once, by what it does',
      labelNames: ['batch'],
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000],
    });
    this.hopsTotal = metrics.counter({
      name: 'agentmq_trace_hops_total',
      help: 'Hops of recorded traces: written, or dropped since the store was away or too slow',
      labelNames: ['outcome'],
    });
    for (const count of Object.values(this.hops)) count(0);
  }

  /** What was recorded of traces, and what was not. */
  readonly hops = {
    recorded: (count: number): void => this.hopsTotal.inc({ outcome: 'recorded' }, count),
    dropped: (count: number): void => this.hopsTotal.inc({ outcome: 'dropped' }, count),
  };

  sent(type: string, recipient: string): void {
    const key = `sent ${recipient} ${type}`;
    let count = this.counts.get(key);
    if (!count) this.counts.set(key, (count = this.sentTotal({ type, recipient })));
    count();
  }

  received(type: string, outcome: Outcome): void {
    const key = `received ${outcome} ${type}`;
    let count = this.counts.get(key);
    if (!count) this.counts.set(key, (count = this.receivedTotal({ type, outcome })));
    count();
    if (outcome !== 'completed' && outcome !== 'duplicate') this.onLeft();
  }

  replayed(count: number): void {
    this.replayedTotal.inc(count);
  }

  /** Of the store's, by whichever process found them. */
  expired(count: number): void {
    this.expiredTotal.inc(count);
  }

  claimLost(): void {
    this.claimsLostTotal.inc();
  }

  /** What counts the items of batches of one kind. */
  batches(batch: BatchKind): (items: number) => void {
    const items = this.batchItems.labels(batch);
    return (count) => items.observe(count);
  }

  /** Of this app's own role and agent id. */
  waitingForHandler(consumer: string, count: number): void {
    this.waitingGauge.set({ consumer }, count);
  }

  /** The metrics of what is received of one contract type. */
  ofType(type: string): TypeMetrics {
    const seconds = this.handlerSeconds.labels(type);
    return {
      received: (outcome) => this.received(type, outcome),
      begun: () => void this.inFlight++,
      ended: (ms) => {
        this.inFlight--;
        seconds.observe(ms / 1_000);
      },
    };
  }
}

/** What is counted of the messages of one contract type. */
export interface TypeMetrics {
  received(outcome: Outcome): void;
  begun(): void;
  /** The handlers have ended after so many ms. */
  ended(ms: number): void;
}
