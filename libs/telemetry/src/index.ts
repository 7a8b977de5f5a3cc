export { HealthController, type HealthProbe, HealthProbes, type ProbeResult } from './health.js';
export { Metrics, MetricsController, type Outcome } from './metrics.js';
