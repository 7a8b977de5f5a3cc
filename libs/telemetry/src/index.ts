export { HEALTH_PATHS, TelemetryEndpoints } from './endpoints.js';
export { Health, type HealthAnswer, type HealthProbe, HealthProbes, type ProbeResult } from './health.js';
export { bounded, Metrics, sample, type Sample } from './metrics.js';
export { RepeatedLog } from './repeated-log.js';
export { SharedRead, type SharedReadOptions } from './shared-read.js';
