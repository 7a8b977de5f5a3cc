import { newTraceId, randomDigits, type TraceContext } from 'agentmq/protocol';

const SAMPLED = '01';
const NOT_SAMPLED = '00';

/** The first context of a new trace (W3C Trace Context, version 00). */
export const newTrace = (sampled: boolean): TraceContext => ({ traceparent: traceparent(newTraceId(), sampled) });

/** A context of a trace that is recorded. */
export const contextIn = (traceId: string): TraceContext => ({ traceparent: traceparent(traceId, true) });

/** The context of a message that another one caused: of the same trace, and recorded as it is. */
export function childOf(parent: TraceContext): TraceContext {
  const child = traceparent(traceIdOf(parent), isSampled(parent));
  return parent.tracestate ? { traceparent: child, tracestate: parent.tracestate } : { traceparent: child };
}

/** Version, trace id, parent id and flags, with dashes between (W3C Trace Context, section 3.2). */
export const traceIdOf = ({ traceparent: text }: TraceContext): string => text.slice(3, 35);

/** Of the span by which a message was made. */
export const spanIdOf = ({ traceparent: text }: TraceContext): string => text.slice(36, 52);

/** The lowest bit of the flags, which are two hexadecimal digits. */
export const isSampled = ({ traceparent: text }: TraceContext): boolean => '13579bdf'.includes(text.charAt(54) || '0');

/**
 * Trace ids begin with the time, so that the store's index of traces grows at its end however long the history, and are
 * random in their last 10 bytes: W3C Trace Context Level 2 (section 3.2.2.3) asks for 7.
 */
const traceparent = (traceId: string, sampled: boolean): string =>
  `00-${traceId}-${randomDigits(8)}-${sampled ? SAMPLED : NOT_SAMPLED}`;
