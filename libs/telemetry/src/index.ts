export { healthPaths, TelemetryEndpoints } from './endpoints.js';
export { type Fault, SteadyFaults, type SteadyFaultsOptions, type SteadyState } from './faults.js';
export { Health, type HealthAnswer, type HealthProbe, HealthProbes, type ProbeResult } from './health.js';
export { bounded, Metrics, sample, type Sample } from './metrics.js';
export { RepeatedLog } from './repeated-log.js';
export { SharedRead, type SharedReadOptions } from './shared-read.js';
export {
  activeTrace,
  inTraceContext,
  loadOpenTelemetry,
  type SpanEnd,
  type SpanStart,
  type SpanAttributes,
  type StartedSpan,
  startSpan,
  tracesSpans,
} from './spans.js';
