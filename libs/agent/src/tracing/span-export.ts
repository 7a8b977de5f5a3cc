import { Logger } from '@nestjs/common';
import type { Sampler } from 'agentmq/messaging';
import { newTraceId, optionalPackage, PackageMissingError, randomDigits } from 'agentmq/protocol';
import { loadOpenTelemetry, RepeatedLog, tracesSpans } from 'agentmq/telemetry';
import { within } from 'agentmq/time';

/** Of which process the spans are, as OpenTelemetry's resource tells it. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come before it. */
export interface SpanSource {
  readonly serviceName: string;
  readonly namespace: string;
  readonly instanceId: string;
}

/** How long a stop waits for the last spans to be taken, in ms. */
const FLUSH_WITHIN_MS = 2_000;

/**
 * Whether spans are to be exported, by OpenTelemetry's own environment: where its collector is, and that it is not switched off. They
 * are no settings of AgentMQ: all that speaks OpenTelemetry in a process goes by them.
 */
export function isExportConfigured(env: NodeJS.ProcessEnv): boolean {
  const given = (name: string): string => env[name]?.trim() ?? '';
  if (given('OTEL_SDK_DISABLED').toLowerCase() === 'true') return false;
  if (!['', 'otlp'].includes(given('OTEL_TRACES_EXPORTER'))) return false;
  return given('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') !== '' || given('OTEL_EXPORTER_OTLP_ENDPOINT') !== '';
}

/**
 * Exports the process's spans over OTLP (HTTP, protobuf), where the environment says so and the app has registered no tracer provider
 * itself. Resolves with what ends it: that gives out the last spans, for up to 2 s, and takes the tracer
 * provider away again. A package that is missing is told in the log.
 */
export async function exportSpans(source: SpanSource, sampler: Sampler): Promise<() => Promise<void>> {
  const nothing = (): Promise<void> => Promise.resolve();
  await loadOpenTelemetry();
  if (!isExportConfigured(process.env) || tracesSpans()) return nothing;
  try {
    return await startProvider(source, sampler);
  } catch (error) {
    if (!(error instanceof PackageMissingError)) throw error;
    new Logger('Tracing').warn(`spans are not exported: ${error.message}`);
    return nothing;
  }
}

async function startProvider(source: SpanSource, sampler: Sampler): Promise<() => Promise<void>> {
  const needed = <T>(name: string, load: () => Promise<T>): Promise<T> =>
    optionalPackage(name, 'OTEL_EXPORTER_OTLP_ENDPOINT', load);
  const [api, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    needed('@opentelemetry/api', () => import('@opentelemetry/api')),
    needed('@opentelemetry/sdk-trace-node', () => import('@opentelemetry/sdk-trace-node')),
    needed('@opentelemetry/exporter-trace-otlp-proto', () => import('@opentelemetry/exporter-trace-otlp-proto')),
    needed('@opentelemetry/resources', () => import('@opentelemetry/resources')),
  ]);
  const log = new RepeatedLog(new Logger('Tracing'));
  const tell = (what: string): void => log.note(what, `OpenTelemetry: ${what}`);
  const quiet = (): void => undefined;
  api.diag.setLogger(
    { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const provider = new sdk.NodeTracerProvider({
    resource: resources
      .defaultResource()
      .merge(
        resources.resourceFromAttributes({
          'service.name': source.serviceName,
          'service.namespace': source.namespace,
          'service.instance.id': source.instanceId,
        }),
      )
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter())],
    // as the traces on record have them
    idGenerator: { generateTraceId: newTraceId, generateSpanId: () => randomDigits(8) },
    // the SDK reads OTEL_TRACES_SAMPLER itself
    ...(process.env['OTEL_TRACES_SAMPLER'] ? {} : { sampler: asDecidedBy(sampler, sdk) }),
  });
  provider.register();
  return async () => {
    await within(FLUSH_WITHIN_MS, provider.shutdown().catch(quiet));
    // Left in place, it would be taken for the provider of the app that starts next.
    for (const registered of [api.trace, api.context, api.propagation]) registered.disable();
  };
}

type Sdk = typeof import('@opentelemetry/sdk-trace-node');

/** One decision for each trace: what is exported is what is on record. */
function asDecidedBy(sampler: Sampler, { ParentBasedSampler, SamplingDecision }: Sdk) {
  const { RECORD_AND_SAMPLED, NOT_RECORD } = SamplingDecision;
  return new ParentBasedSampler({
    root: {
      shouldSample: () => ({ decision: sampler.sample() ? RECORD_AND_SAMPLED : NOT_RECORD }),
      toString: () => 'AgentMQ',
    },
  });
}
