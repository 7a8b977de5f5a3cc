import type { Metrics } from 'agentmq/telemetry';

/** How the roles are that this process scales: of the coordinator that leads. */
export class ScalingMetrics {
  private readonly gauges;

  constructor(metrics: Metrics) {
    const gauge = (name: string, help: string) =>
      metrics.gauge({ name: `agentmq_scaling_${name}`, help, labelNames: ['role'] });
    this.gauges = {
      backlog: gauge(
        'backlog',
        'Messages and tasks that wait for a scaled role or are with its agents; of the coordinator that leads',
      ),
      workers: gauge('workers', 'Healthy agents of a scaled role; of the coordinator that leads'),
      desired: gauge('desired_workers', 'How many agents a scaled role should have; of the coordinator that leads'),
    };
  }

  /** How a role was found. */
  scaled(role: string, found: Readonly<Record<'backlog' | 'workers' | 'desired', number>>): void {
    const { backlog, workers, desired } = this.gauges;
    backlog.set({ role }, found.backlog);
    workers.set({ role }, found.workers);
    desired.set({ role }, found.desired);
  }

  /** This process does not scale the role any more. */
  notScaled(role: string): void {
    for (const gauge of Object.values(this.gauges)) gauge.remove({ role });
  }
}
