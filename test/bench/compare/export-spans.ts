import { Sampler, type SamplerOptions } from 'agentmq/messaging';

let isExported = false;

/** Where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, exports what this process records, once for all its agents, as `startAgent` does for one. */
export async function exportSpans(trace: SamplerOptions): Promise<void> {
  if (isExported || !process.env['OTEL_EXPORTER_OTLP_ENDPOINT']) return;
  isExported = true;
  const [sdk, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  const { RECORD_AND_SAMPLED, NOT_RECORD } = sdk.SamplingDecision;
  const ours = new Sampler(trace);
  const root = {
    shouldSample: () => ({
      decision: ours.sample() ? RECORD_AND_SAMPLED : NOT_RECORD,
    }),
    toString: () => 'AgentMQ',
  };
  new sdk.NodeTracerProvider({
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter())],
    sampler: new sdk.ParentBasedSampler({ root }),
  }).register();
}
