import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

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

/** What waits to be published. */
export interface OutboxFigures {
  readonly entries: number;
  readonly refusing: readonly { readonly target: string; readonly entries: number }[];
}

const MOST_INBOXES = 10;
const CIRCUIT_LEVELS = { closed: 0, half_open: 1, open: 2 } as const;

/** The metrics of one app, in a registry of its own: two apps in one process do not share it. */
export class Metrics {
  readonly registry = new Registry();

  private readonly sentTotal = new Counter({
    name: 'agentmq_messages_sent_total',
    help: 'Messages sent, by contract type and kind of recipient',
    labelNames: ['type', 'recipient'],
    registers: [this.registry],
  });
  private readonly receivedTotal = new Counter({
    name: 'agentmq_messages_received_total',
    help: 'Messages received, by contract type and how they ended',
    labelNames: ['type', 'outcome'],
    registers: [this.registry],
  });
  private readonly replayedTotal = new Counter({
    name: 'agentmq_messages_replayed_total',
    help: 'Messages put on their way again since the broker did not hold them any more',
    registers: [this.registry],
  });
  private readonly waitingGauge = new Gauge({
    name: 'agentmq_messages_waiting_for_handler',
    help: 'Messages that no instance of their consumer handles: they wait for one that does',
    labelNames: ['consumer'],
    registers: [this.registry],
  });
  private readonly handlerSeconds = new Histogram({
    name: 'agentmq_handler_duration_seconds',
    help: 'How long handlers ran',
    labelNames: ['type'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120],
    registers: [this.registry],
  });
  private readonly inFlightGauge = new Gauge({
    name: 'agentmq_messages_in_flight',
    help: 'Messages being handled now',
    registers: [this.registry],
  });

  private readOutbox: () => OutboxFigures = () => ({ entries: 0, refusing: [] });
  private readonly outboxGauge: Gauge = new Gauge({
    name: 'agentmq_outbox_entries',
    help: 'Messages in the outbox, of the whole namespace; of full and missing inboxes apart',
    registers: [this.registry],
    collect: (): void => this.outboxGauge.set(this.readOutbox().entries),
  });
  private readonly refusedGauge: Gauge<'inbox'> = new Gauge({
    name: 'agentmq_outbox_refused',
    help: 'Messages that wait for an inbox which is full or missing: for the ten that most wait for, and all others',
    labelNames: ['inbox'],
    registers: [this.registry],
    collect: (): void => {
      this.refusedGauge.reset();
      const { refusing } = this.readOutbox();
      for (const { target, entries } of refusing.slice(0, MOST_INBOXES))
        this.refusedGauge.set({ inbox: target }, entries);
      const others = refusing.slice(MOST_INBOXES).reduce((sum, { entries }) => sum + entries, 0);
      if (others > 0) this.refusedGauge.set({ inbox: 'other' }, others);
    },
  });
  private readonly circuitGauge = new Gauge({
    name: 'agentmq_circuit_state',
    help: 'Circuits to other agents: 0 closed, 1 half open, 2 open; of agents that never failed too often, none',
    labelNames: ['agent'],
    registers: [this.registry],
  });
  private readonly scalingGauges = {
    backlog: new Gauge({
      name: 'agentmq_scaling_backlog',
      help: 'Messages and tasks that wait for a scaled role or are with its agents; of the coordinator that leads',
      labelNames: ['role'],
      registers: [this.registry],
    }),
    workers: new Gauge({
      name: 'agentmq_scaling_workers',
      help: 'Healthy agents of a scaled role; of the coordinator that leads',
      labelNames: ['role'],
      registers: [this.registry],
    }),
    desired: new Gauge({
      name: 'agentmq_scaling_desired_workers',
      help: 'How many agents a scaled role should have; of the coordinator that leads',
      labelNames: ['role'],
      registers: [this.registry],
    }),
  };

  /** What waits in the outbox is read when the metrics are. */
  outbox(read: () => OutboxFigures): void {
    this.readOutbox = read;
  }

  sent(type: string, recipient: string): void {
    this.sentTotal.inc({ type, recipient });
  }

  /** `type` must be a known contract's: foreign strings would make the number of series unbounded. */
  received(type: string, outcome: Outcome): void {
    this.receivedTotal.inc({ type, outcome });
  }

  replayed(count: number): void {
    this.replayedTotal.inc(count);
  }

  /** Of this app's own role and agent id. */
  waitingForHandler(consumer: string, count: number): void {
    this.waitingGauge.set({ consumer }, count);
  }

  /** Counts a running handler; the answer ends it. */
  handling(type: string): () => void {
    this.inFlightGauge.inc();
    const end = this.handlerSeconds.startTimer({ type });
    return () => {
      end();
      this.inFlightGauge.dec();
    };
  }

  circuit(agent: string, state: keyof typeof CIRCUIT_LEVELS): void {
    this.circuitGauge.set({ agent }, CIRCUIT_LEVELS[state]);
  }

  /** Agents that are gone have no series. */
  circuitForgotten(agent: string): void {
    this.circuitGauge.remove({ agent });
  }

  /** How a role was found that this process scales. */
  scaled(role: string, found: Readonly<Record<'backlog' | 'workers' | 'desired', number>>): void {
    const { backlog, workers, desired } = this.scalingGauges;
    backlog.set({ role }, found.backlog);
    workers.set({ role }, found.workers);
    desired.set({ role }, found.desired);
  }

  /** This process does not scale the role any more. */
  notScaled(role: string): void {
    for (const gauge of Object.values(this.scalingGauges)) gauge.remove({ role });
  }

  /** Adds Node's own metrics (event loop lag, heap, CPU). Once per process. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }
}
