import {
  DEFAULT_PRIORITY,
  type Envelope,
  MAX_PRIORITY,
  type Message,
  type TraceContext,
  traceFor,
} from '../envelope/envelope.js';
import { newMessageId } from '../envelope/ids.js';
import { InvalidMessageError } from '../errors.js';
import { parseRecipient, type Recipient } from '../envelope/recipient.js';

/** AMQP 0-9-1's basic properties as far as AgentMQ uses them, in a transport-neutral form. */
export interface WireProperties {
  readonly messageId?: string;
  readonly type?: string;
  readonly appId?: string;
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** Seconds since the epoch. */
  readonly timestamp?: number;
  readonly priority?: number;
  /** Time to live in ms. */
  readonly expiration?: number;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** A message in the form that the broker carries. */
export interface WireMessage {
  readonly properties: WireProperties;
  readonly body: Buffer;
}

export const HEADER = {
  version: 'agentmq-version',
  time: 'agentmq-time',
  expiresAt: 'agentmq-expires-at',
  causationId: 'agentmq-causation-id',
  attempt: 'agentmq-attempt',
  transient: 'agentmq-transient',
  /** Tells one copy of a message from another: the outbox entry that it was published for, and its lease. */
  copy: 'agentmq-copy',
  /** On a copy that goes to one consumer: what the message was sent to, as `formatRecipient` writes it. */
  recipient: 'agentmq-recipient',
  /** On a copy that one instance of a consumer passed on to another one's inbox: the consumer. */
  consumer: 'agentmq-consumer',
  /** `true` on a reply whose body is a wire error. */
  error: 'agentmq-error',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
} as const;

/** On a message that brings a task to the agent that it was assigned to: the task's id. */
export const TASK_HEADER = 'agentmq-task';

const ownHeaders: ReadonlySet<string> = new Set(Object.values(HEADER));
const JSON_TYPE = 'application/json';
// https://www.w3.org/TR/trace-context/#traceparent-header
const traceparent = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/**
 * The wire form of a message (docs/WIRE.md). What is left of its time to live is told to the broker only of a transient
 * message: the broker drops an expired message without a trace, where the receiver records it.
 */
export function toWire(message: Message, now: Date = new Date()): WireMessage {
  const headers: Record<string, unknown> = {
    ...message.headers,
    [HEADER.version]: message.version,
    [HEADER.time]: message.timestamp.toISOString(),
  };
  if (message.expiresAt) headers[HEADER.expiresAt] = message.expiresAt.toISOString();
  if (message.causationId) headers[HEADER.causationId] = message.causationId;
  if (message.trace) headers[HEADER.traceparent] = message.trace.traceparent;
  if (message.trace?.tracestate) headers[HEADER.tracestate] = message.trace.tracestate;
  if (message.attempt > 1) headers[HEADER.attempt] = message.attempt;
  if (message.copy) headers[HEADER.copy] = message.copy;
  if (message.transient) headers[HEADER.transient] = true;
  return {
    properties: {
      messageId: message.messageId,
      type: message.type,
      appId: message.sender,
      timestamp: Math.floor(message.timestamp.getTime() / 1000),
      priority: message.priority,
      contentType: message.contentType,
      headers,
      ...(message.correlationId ? { correlationId: message.correlationId } : {}),
      ...(message.replyTo ? { replyTo: message.replyTo } : {}),
      ...(message.expiresAt && message.transient
        ? { expiration: Math.max(1, message.expiresAt.getTime() - now.getTime()) }
        : {}),
    },
    body: message.body,
  };
}

/** A received message, and what is wrong with its fields: whatever is, there is enough of it to be recorded. */
export interface ReadMessage {
  readonly message: Message;
  readonly problems: readonly InvalidMessageError[];
}

/**
 * Reads what came over the wire, from AgentMQ or a foreign producer. `address` is where it was published to, which a
 * copy for one consumer tells apart from its recipient. `sample` says whether the trace of a message that came without one
 * is recorded. Never throws.
 */
export function fromWire(
  address: Recipient,
  { properties, body }: WireMessage,
  { now = new Date(), sample = () => true }: { readonly now?: Date; readonly sample?: () => boolean } = {},
): ReadMessage {
  const problems: InvalidMessageError[] = [];
  const bad = (field: string, problem: string): undefined => {
    problems.push(new InvalidMessageError(field, problem));
    return undefined;
  };
  const { headers } = properties;

  if (!properties.type) bad('type', 'is missing');
  if (properties.contentEncoding && properties.contentEncoding.toLowerCase() !== 'utf-8') {
    bad('content-encoding', `"${properties.contentEncoding}" is not supported`);
  }
  const version = wholeNumber(headers[HEADER.version] ?? 1);
  if (version === undefined || version < 1) bad(HEADER.version, 'is not a whole number of 1 or more');
  const priority = wholeNumber(properties.priority ?? DEFAULT_PRIORITY);
  if (priority === undefined || priority > MAX_PRIORITY)
    bad('priority', `is not a whole number from 0 to ${MAX_PRIORITY}`);
  if (properties.expiration !== undefined && wholeNumber(properties.expiration) === undefined) {
    bad('expiration', 'is not a whole number of ms');
  }
  const timestamp =
    date(headers[HEADER.time]) ?? (properties.timestamp === undefined ? now : date(properties.timestamp * 1000)) ?? now;
  const expiresHeader = headers[HEADER.expiresAt];
  const expiresAt =
    expiresHeader === undefined ? undefined : (date(expiresHeader) ?? bad(HEADER.expiresAt, 'is not an RFC 3339 time'));
  const causationId = text(headers[HEADER.causationId]);
  const copy = text(headers[HEADER.copy]);
  const recipient = parseRecipient(text(headers[HEADER.recipient]) ?? '') ?? address;
  const messageId = properties.messageId ? properties.messageId : newMessageId();
  const trace = traceOf(headers) ?? traceFor(messageId, sample());
  const foreign = Object.entries(headers).filter(([key]) => !ownHeaders.has(key));

  const envelope: Envelope = {
    messageId,
    sender: properties.appId ? properties.appId : 'unknown',
    recipient,
    timestamp,
    type: properties.type ?? '',
    version: version ?? 1,
    priority: Math.min(priority ?? DEFAULT_PRIORITY, MAX_PRIORITY),
    attempt: wholeNumber(headers[HEADER.attempt]) ?? 1,
    ...(properties.correlationId ? { correlationId: properties.correlationId } : {}),
    ...(properties.replyTo ? { replyTo: properties.replyTo } : {}),
    ...(expiresAt ? { expiresAt, ttl: Math.max(1, expiresAt.getTime() - timestamp.getTime()) } : {}),
    ...(causationId ? { causationId } : {}),
    trace,
    ...(copy ? { copy } : {}),
    ...(headers[HEADER.transient] === true ? { transient: true } : {}),
  };
  return {
    message: {
      ...envelope,
      body,
      contentType: properties.contentType ?? JSON_TYPE,
      ...(foreign.length > 0 ? { headers: Object.fromEntries(foreign) } : {}),
    },
    problems,
  };
}

function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function date(value: unknown): Date | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const parsed = new Date(value);
  const year = parsed.getUTCFullYear();
  return year >= 1970 && year <= 9999 ? parsed : undefined;
}

/** A malformed trace context is dropped, not refused (W3C Trace Context, section 4.3). */
function traceOf(headers: Readonly<Record<string, unknown>>): TraceContext | undefined {
  const parent = text(headers[HEADER.traceparent]);
  if (!parent || !traceparent.test(parent)) return undefined;
  const state = text(headers[HEADER.tracestate]);
  return { traceparent: parent, ...(state ? { tracestate: state } : {}) };
}
