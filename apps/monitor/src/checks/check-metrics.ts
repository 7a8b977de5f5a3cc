import { Injectable } from '@nestjs/common';
import { Metrics } from 'agentmq/telemetry';
import type { Counter, Gauge, Histogram } from 'prom-client';
import type { AgentFinding, ConditionChange } from './conditions.js';

/** The most agents that have a series of their own, unhealthy ones first. */
const MOST_AGENTS = 1_000;

/** What the checks come to, on `/metrics` of the monitor that leads. */
@Injectable()
export class CheckMetrics {
  private readonly healthy: Gauge<'agent'>;
  private readonly probes: Histogram<'role'>;
  private readonly changes: Counter<'to' | 'reason'>;

  constructor(metrics: Metrics) {
    this.healthy = metrics.gauge({
      name: 'agentmq_agent_healthy',
      help: 'Whether an agent is healthy (1) or not (0); of the monitor that leads, for 1000 agents at most',
      labelNames: ['agent'],
    });
    this.probes = metrics.histogram({
      name: 'agentmq_probe_seconds',
      help: 'How long agents took to answer probes; of the monitor that leads',
      labelNames: ['role'],
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30],
    });
    this.changes = metrics.counter({
      name: 'agentmq_agent_changes_total',
      help: 'Reasons for which agents became unhealthy, or are so no more (recovered); told by this monitor',
      labelNames: ['to', 'reason'],
    });
  }

  answered(role: string, latencyMs: number): void {
    this.probes.observe({ role }, latencyMs / 1_000);
  }

  found(findings: readonly AgentFinding[]): void {
    this.healthy.reset();
    const isWell = ({ reasons }: AgentFinding): number => Number(reasons.size === 0);
    const worstFirst = [...findings].sort((a, b) => isWell(a) - isWell(b));
    for (const finding of worstFirst.slice(0, MOST_AGENTS)) this.healthy.set({ agent: finding.agent }, isWell(finding));
  }

  told(change: ConditionChange): void {
    const now: readonly string[] = change.to === 'unhealthy' ? change.reasons : [];
    for (const reason of now) if (!change.before.includes(reason)) this.changes.inc({ to: 'unhealthy', reason });
    for (const reason of change.before) if (!now.includes(reason)) this.changes.inc({ to: 'recovered', reason });
  }

  /** This monitor leads no more. */
  deposed(): void {
    this.healthy.reset();
  }
}
