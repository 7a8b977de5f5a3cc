export { HEALTH_PATHS, TelemetryEndpoints } from './endpoints.js';
export { Health, type HealthAnswer, type HealthProbe, HealthProbes, type ProbeResult } from './health.js';
export { Metrics, type Outcome } from './metrics.js';
export { RepeatedLog } from './repeated-log.js';
