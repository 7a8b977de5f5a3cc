import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AgentIdentity, AgentServer } from 'agentmq/agent';
import { AgentRegistry, AgentSettings, type RegisteredAgent } from 'agentmq';
import { errorText } from 'agentmq/protocol';
import { type ElectionGroup, Elections, type Leadership } from 'agentmq/coordination';
import { OutboxStore } from 'agentmq/message-store';
import { pause } from 'agentmq/time';
import { HealthProbes, type ProbeResult, RepeatedLog } from 'agentmq/telemetry';
import { CheckMetrics } from './check-metrics.js';
import { ConditionStore, MOST_CHANGES } from './condition-store.js';
import { answersProbes, changesBetween, type ConditionChange, findingsOf } from './conditions.js';
import { ProbeRecord } from './probe-record.js';
import { Prober } from './prober.js';

/** The group of monitors: the one that leads checks the agents. */
const MONITORS = 'monitors';
/** The most unhealthy agents that `/health` tells of. */
const MOST_TOLD = 50;

/**
 * Checks every agent, round after round, while this monitor leads, and tells what has changed. It judges only while the
 * registry is clear and its own probe is answered: a monitor that was cut off or paused calls no agent unhealthy.
 */
@Injectable()
export class Checks implements OnApplicationBootstrap {
  private readonly logger = new Logger('Checks');
  private readonly log = new RepeatedLog(this.logger);
  private group: ElectionGroup | undefined;
  /** By instance, of the agents that answer probes. */
  private probes = new Map<string, ProbeRecord>();
  private checkedAt: Date | undefined;

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly server: AgentServer,
    private readonly registry: AgentRegistry,
    private readonly elections: Elections,
    private readonly outbox: OutboxStore,
    private readonly conditions: ConditionStore,
    private readonly prober: Prober,
    private readonly metrics: CheckMetrics,
    health: HealthProbes,
  ) {
    health.add({ name: 'unhealthy_agents', readiness: false, check: () => this.health() });
  }

  onApplicationBootstrap(): void {
    this.elections.join(MONITORS, { onElected: (leadership) => this.lead(leadership) }).then(
      (group) => (this.group = group),
      // logged by the election
      () => undefined,
    );
  }

  private async lead(leadership: Leadership): Promise<void> {
    const { signal } = leadership;
    this.probes = new Map();
    const listener = await this.prober.listen().catch((error: unknown) => {
      // elected while it stops
      if (!signal.aborted) throw error;
    });
    try {
      while (!signal.aborted) {
        const begun = performance.now();
        await this.round(leadership).catch((error: unknown) => {
          if (!signal.aborted) this.log.warn('checks', error);
        });
        await pause(Math.max(0, this.settings.monitor.interval - (performance.now() - begun)), signal);
      }
    } finally {
      await listener?.close();
      this.metrics.deposed();
      this.checkedAt = undefined;
    }
  }

  private async round(leadership: Leadership): Promise<void> {
    const isJudge = (): boolean => this.server.isReady && this.registry.isClear && !leadership.signal.aborted;
    if (!isJudge() || !(await this.probeAll(leadership.signal)) || !isJudge()) return this.interrupted();
    const stuck = await this.outbox.stuckSenders(this.settings.monitor.behind);
    const findings = findingsOf({ agents: this.present(), probes: this.probes, stuck });
    this.metrics.found(findings);
    const isNews = changesBetween(await this.conditions.read(), findings).length > 0;
    for (let isMore = isNews; isMore;) {
      const changes = await leadership.fence((transaction) => this.conditions.tell(findings, transaction));
      for (const change of changes) this.told(change);
      isMore = changes.length === MOST_CHANGES;
    }
    this.checkedAt = new Date();
  }

  /** Resolves with false when this monitor's own probe was not answered: then the fault may be its own. */
  private async probeAll(signal: AbortSignal): Promise<boolean> {
    const { behind } = this.settings.monitor;
    const probed = this.present().filter((agent) => agent.health !== 'dead' && answersProbes(agent));
    const outcomes = await Promise.all(
      probed.map(async (agent) => ({ agent, outcome: await this.prober.probe(agent, signal), at: performance.now() })),
    );
    if (!outcomes.some(({ agent, outcome }) => agent.id === this.identity.id && outcome?.kind === 'answered'))
      return false;
    // What is not among them any more is forgotten: when it is back, it is known once it has answered.
    this.probes = new Map(
      probed.map(({ instance }) => [instance, this.probes.get(instance) ?? new ProbeRecord(behind)]),
    );
    for (const { agent, outcome, at } of outcomes) {
      if (outcome) this.probes.get(agent.instance)?.note(outcome, at);
      if (outcome?.kind === 'answered') this.metrics.answered(agent.role, outcome.latencyMs);
    }
    return true;
  }

  private interrupted(): void {
    this.checkedAt = undefined;
    for (const record of this.probes.values()) record.interrupted();
  }

  private present(): RegisteredAgent[] {
    return this.registry.find({ health: 'any' }).filter(({ health }) => health !== 'stopped');
  }

  private told(change: ConditionChange): void {
    this.metrics.told(change);
    const { agent, role } = change;
    if (change.to === 'unhealthy')
      this.logger.warn(`${agent} (${role}) is unhealthy: ${change.reasons.join(', ')} (${change.detail})`);
    else if (change.outcome === 'healthy') this.logger.log(`${agent} (${role}) is healthy again`);
    else this.logger.log(`${agent} (${role}) was unhealthy, and has left`);
  }

  /** Unhealthy agents are told, but are no reason to call the monitor unhealthy. */
  private async health(): Promise<ProbeResult> {
    const { state } = this.group ?? {};
    const leader = state?.leader ?? null;
    const checking = state?.isLeader ? { checked_at: this.checkedAt?.toISOString() ?? null } : {};
    try {
      const told = await this.conditions.read(MOST_TOLD);
      const unhealthy = told.map(({ agent, role, instance, reasons, detail, since }) => {
        const latency = this.probes.get(instance)?.latencyMs;
        return {
          ...{ agent, role, reasons, detail, since: since.toISOString() },
          ...(latency === undefined ? {} : { latency_ms: Math.round(latency) }),
        };
      });
      return { status: unhealthy.length === 0 ? 'up' : 'degraded', data: { leader, ...checking, unhealthy } };
    } catch (error) {
      return { status: 'degraded', data: { leader, ...checking, message: errorText(error) } };
    }
  }
}
