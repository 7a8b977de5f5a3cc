import type { Context, Link, Span, SpanContext, SpanOptions } from '@opentelemetry/api';
import { optionalPackage, PackageMissingError, type TraceContext } from 'agentmq/protocol';

type Api = typeof import('@opentelemetry/api');

/** The name under which the spans are made (instrumentation scope). */
const SCOPE = 'agentmq';

/** The API keeps the app's tracer provider for the whole process, and is loaded once for it. */
let api: Api | undefined;
let none: unknown;

/**
 * Loads OpenTelemetry's API, where the app has it. Resolves when spans can be made; until then, and where the package is not
 * installed, all functions here do nothing. Safe to call twice.
 */
export async function loadOpenTelemetry(): Promise<void> {
  if (api) return;
  try {
    const loaded = await optionalPackage('@opentelemetry/api', 'tracing', () => import('@opentelemetry/api'));
    none = new loaded.ProxyTracerProvider().getDelegate();
    api = loaded;
  } catch (error) {
    if (!(error instanceof PackageMissingError)) throw error;
  }
}

/** The API, while the app has a tracer provider: a provider may be registered, or taken away, at any time. */
function registered(): Api | undefined {
  if (!api) return undefined;
  const provider = api.trace.getTracerProvider();
  return 'getDelegate' in provider && (provider as { getDelegate(): unknown }).getDelegate() === none ? undefined : api;
}

/** Whether spans are made: the app has registered a tracer provider. */
export const tracesSpans = (): boolean => registered() !== undefined;

/** Names and values that a span is told by. Of `undefined` nothing is told. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a span begins with. */
export interface SpanStart {
  readonly name: string;
  readonly kind: 'PRODUCER' | 'CONSUMER' | 'CLIENT' | 'INTERNAL';
  /** In place of the span that is active here. `null`: it has none. */
  readonly parent?: TraceContext | null | undefined;
  /** Other contexts that have led to it. */
  readonly links?: readonly TraceContext[] | undefined;
  readonly attributes: SpanAttributes;
  /** Now unless given. */
  readonly startTime?: Date | undefined;
}

/** What a span ends with: of an error its name, code and text, which may be exported. */
export interface SpanEnd {
  readonly attributes?: SpanAttributes;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string; readonly stack?: string };
}

/** A span that is to be ended by its maker. */
export interface StartedSpan {
  /** The context of what the span causes. */
  readonly trace: TraceContext;
  /** Whether anything is kept of it: if not, only its context is of use. */
  readonly isRecording: boolean;
  /** Does `work` with the span as the active one. */
  run<T>(work: () => T): T;
  /** Another context that has led to it. */
  link(trace: TraceContext): void;
  /** Once. */
  end(end?: SpanEnd): void;
}

class ApiSpan implements StartedSpan {
  readonly trace: TraceContext;
  readonly isRecording: boolean;

  constructor(
    private readonly api: Api,
    private readonly span: Span,
    private readonly context: Context,
  ) {
    this.trace = traceContextOf(span.spanContext());
    this.isRecording = span.isRecording();
  }

  run<T>(work: () => T): T {
    return this.api.context.with(this.api.trace.setSpan(this.context, this.span), work);
  }

  link(trace: TraceContext): void {
    this.span.addLink({ context: spanContextOf(this.api, trace) });
  }

  end({ attributes, error }: SpanEnd = {}): void {
    if (attributes) this.span.setAttributes(attributes);
    if (error) {
      this.span.setAttribute('error.type', error.code);
      this.span.recordException({ ...error });
      this.span.setStatus({ code: this.api.SpanStatusCode.ERROR, message: error.message });
    }
    this.span.end();
  }
}

/** Undefined while the app has no tracer provider. */
export function startSpan({ name, kind, parent, links, attributes, startTime }: SpanStart): StartedSpan | undefined {
  const loaded = registered();
  if (!loaded) return undefined;
  const context =
    parent === undefined ? loaded.context.active() : parent ? contextOf(loaded, parent) : loaded.ROOT_CONTEXT;
  const options: SpanOptions = { kind: loaded.SpanKind[kind], attributes };
  if (links) options.links = links.map((link): Link => ({ context: spanContextOf(loaded, link) }));
  if (startTime) options.startTime = startTime;
  const span = loaded.trace.getTracer(SCOPE).startSpan(name, options, context);
  return new ApiSpan(loaded, span, context);
}

/** The context of the active span; undefined where none is, and while the app has no tracer provider. */
export function activeTrace(): TraceContext | undefined {
  const loaded = registered();
  const context = loaded?.trace.getSpanContext(loaded.context.active());
  return context && loaded?.isSpanContextValid(context) ? traceContextOf(context) : undefined;
}

/** Does `work` as part of a trace alone: what else is active here, a span or baggage, is not. `undefined`: of no trace. */
export function inTraceContext<T>(trace: TraceContext | undefined, work: () => T): T {
  const loaded = registered();
  if (!loaded) return work();
  return loaded.context.with(trace ? contextOf(loaded, trace) : loaded.ROOT_CONTEXT, work);
}

const contextOf = (loaded: Api, trace: TraceContext): Context =>
  loaded.trace.setSpanContext(loaded.ROOT_CONTEXT, spanContextOf(loaded, trace));

/** Version, trace id, span id and flags, with dashes between (W3C Trace Context, section 3.2). */
function spanContextOf(loaded: Api, { traceparent, tracestate }: TraceContext): SpanContext {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16),
    isRemote: true,
    ...(tracestate && { traceState: loaded.createTraceState(tracestate) }),
  };
}

function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}
