import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AgentRegistry, AgentSettings, GuardedEvents } from 'agentmq/agent';
import type { AgentCircuit } from 'agentmq/message-store';
import { HealthProbes, Metrics, type ProbeResult, type Sample } from 'agentmq/telemetry';
import { type Observable, Subject } from 'rxjs';
import { type CallOptions, Circuit, type CircuitState } from './circuit.js';

/** A circuit has changed its state. */
export interface CircuitChange {
  readonly agent: string;
  readonly instance: string;
  readonly state: CircuitState;
  readonly since: Date;
}

/** Circuits beyond this many are forgotten, the ones not used for the longest time first. */
const MAX_CIRCUITS = 10_000;
/** The most that metrics tell of. */
const MOST_TOLD = 50;
const LEVELS = { closed: 0, half_open: 1, open: 2 } as const;

/**
 * Keeps calls from agents that fail too often. Each process judges for itself, by its own calls, and has one circuit for
 * each agent that it calls; it tells other processes which are not closed (`RegisteredAgent.circuits`). A new
 * instance of an agent starts with a closed one.
 */
@Injectable()
export class CircuitBreakers implements OnApplicationShutdown {
  /** What changes, from the moment of subscribing on; never ends. What an observer throws is logged. */
  readonly changes: Observable<CircuitChange>;
  private readonly logger = new Logger('CircuitBreakers');
  private readonly changed = new Subject<CircuitChange>();
  /** Tells the registry that something has changed. */
  private readonly reported: () => void;
  /** By agent; the one used last is last. */
  private readonly circuits = new Map<string, Circuit>();

  constructor(
    private readonly settings: AgentSettings,
    private readonly registry: AgentRegistry,
    metrics: Metrics,
    probes: HealthProbes,
  ) {
    this.changes = new GuardedEvents(
      (subscriber) => this.changed.subscribe(subscriber),
      (error) => this.logger.error(error),
    );
    registry.events.subscribe(({ kind, agent }) => {
      if (kind === 'left' && this.circuits.get(agent.id)?.instance === agent.instance) this.drop(agent.id);
    });
    this.reported = registry.reportCircuits(() => this.states());
    metrics.sampled(
      {
        name: 'agentmq_circuit_state',
        help: 'Circuits to other agents: 0 closed, 1 half open, 2 open; only circuits that have opened, at most 50, the open ones first',
        labelNames: ['agent'],
      },
      () => this.levels().slice(0, MOST_TOLD),
    );
    probes.add({ name: 'circuit_breakers', readiness: false, check: () => Promise.resolve(this.probe()) });
  }

  /**
   * Does `work`, which calls the agent, and settles as it does. Rejects at once with `CircuitOpenError`, without calling
   * it, while the agent's circuit refuses. Above `CIRCUIT_FAILURE_RATE` of failures among the calls of the last
   * `CIRCUIT_WINDOW` (at least `CIRCUIT_MINIMUM_VOLUME`) the circuit opens; after `CIRCUIT_OPEN_TIME` one call at a time
   * goes through as a probe, and closes it when the agent is well. See docs/DISTRIBUTION.md for what counts.
   */
  run<T>(
    agent: { readonly id: string; readonly instance: string },
    work: () => Promise<T>,
    options?: CallOptions,
  ): Promise<T> {
    return this.circuitOf(agent).run(work, options);
  }

  /** Whether a call to the agent would be refused now. */
  isOpen(agentId: string): boolean {
    return this.circuits.get(agentId)?.refuses ?? false;
  }

  /** The state of an agent's circuit; `closed` for one that was never called. */
  state(agentId: string): CircuitState {
    return this.circuits.get(agentId)?.state ?? 'closed';
  }

  /** The circuits that are not closed, by agent. */
  states(): AgentCircuit[] {
    return [...this.circuits.values()]
      .flatMap(({ agentId, state, since }) =>
        state === 'closed' ? [] : [{ agent: agentId, state, since: since.toISOString() }],
      )
      .sort((a, b) => (a.agent < b.agent ? -1 : 1));
  }

  onApplicationShutdown(): void {
    for (const id of [...this.circuits.keys()]) this.drop(id);
  }

  private circuitOf({ id, instance }: { readonly id: string; readonly instance: string }): Circuit {
    const known = this.circuits.get(id);
    // What is sent reaches the latest instance, even if the caller has chosen one before it.
    const isCurrent =
      known && (known.instance === instance || this.registry.find({ id })[0]?.instance === known.instance);
    const circuit = isCurrent ? known : this.create(id, instance);
    this.circuits.delete(id);
    this.circuits.set(id, circuit);
    if (this.circuits.size > MAX_CIRCUITS) this.drop(this.circuits.keys().next().value as string);
    return circuit;
  }

  private create(id: string, instance: string): Circuit {
    this.drop(id);
    const circuit: Circuit = new Circuit(id, instance, this.settings.circuit, () => {
      // Of one that was dropped, late answers change nothing.
      if (this.circuits.get(id) === circuit) this.announce(circuitChange(circuit));
    });
    return circuit;
  }

  private drop(id: string): void {
    const circuit = this.circuits.get(id);
    if (!circuit) return;
    this.circuits.delete(id);
    circuit.drop();
    if (circuit.state !== 'closed') this.announce({ ...circuitChange(circuit), state: 'closed', since: new Date() });
  }

  private announce(change: CircuitChange): void {
    const { agent, state } = change;
    if (state === 'open') this.logger.warn(`${agent} fails too often: nothing is sent to it for now`);
    if (state === 'closed') this.logger.log(`${agent} is sent requests again`);
    this.reported();
    this.changed.next(change);
  }

  private levels(): Sample<'agent'>[] {
    return [...this.circuits.values()]
      .filter(({ hasOpened }) => hasOpened)
      .map(({ agentId, state }) => ({ labels: { agent: agentId }, value: LEVELS[state] }))
      .sort((a, b) => b.value - a.value);
  }

  private probe(): ProbeResult {
    const circuits = this.states();
    const isAnyOpen = circuits.some(({ state }) => state === 'open');
    return { status: isAnyOpen ? 'degraded' : 'up', data: { circuits } };
  }
}

const circuitChange = ({ agentId, instance, state, since }: Circuit): CircuitChange => ({
  agent: agentId,
  instance,
  state,
  since,
});
