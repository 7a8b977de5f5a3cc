import { DEFAULT_PRIORITY, MAX_PRIORITY, type Message, type TraceContext, traceFor } from '../envelope/envelope.js';
import { newMessageId } from '../envelope/ids.js';
import { InvalidMessageError } from '../errors.js';
import { parseRecipient, type Recipient } from '../envelope/recipient.js';
import { SecondTexts } from './second-texts.js';

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

const ownHeaders: ReadonlySet<string> = new Set(Object.values(HEADER));
const JSON_TYPE = 'application/json';
// https://www.w3.org/TR/trace-context/#traceparent-header
const traceparent = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
/** Of RFC 3339, which ends with the year 9999. */
const LAST_TIME = Date.UTC(10_000, 0, 1) - 1;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const sentTimes = new SecondTexts();
const ends = new SecondTexts();
const receivedTimes = new SecondTexts();
const receivedEnds = new SecondTexts();

/**
 * The wire form of a message (docs/WIRE.md). What is left of its time to live is told to the broker only of a transient
 * message: the broker drops an expired message without a trace, where the receiver records it.
 */
export function toWire(message: Message, now?: Date): WireMessage {
  const { timestamp, expiresAt, trace, body } = message;
  const headers: Record<string, unknown> = message.headers ? { ...message.headers } : {};
  headers[HEADER.version] = message.version;
  headers[HEADER.time] = sentTimes.textOf(timestamp);
  if (expiresAt) headers[HEADER.expiresAt] = ends.textOf(expiresAt);
  if (message.causationId) headers[HEADER.causationId] = message.causationId;
  if (trace) headers[HEADER.traceparent] = trace.traceparent;
  if (trace?.tracestate) headers[HEADER.tracestate] = trace.tracestate;
  if (message.attempt > 1) headers[HEADER.attempt] = message.attempt;
  if (message.copy) headers[HEADER.copy] = message.copy;
  if (message.transient) headers[HEADER.transient] = true;
  const properties: Writable<WireProperties> = {
    messageId: message.messageId,
    type: message.type,
    appId: message.sender,
    timestamp: Math.floor(timestamp.getTime() / 1000),
    priority: message.priority,
    contentType: message.contentType,
    headers,
  };
  if (message.correlationId) properties.correlationId = message.correlationId;
  if (message.replyTo) properties.replyTo = message.replyTo;
  if (expiresAt && message.transient) {
    properties.expiration = Math.max(1, expiresAt.getTime() - (now?.getTime() ?? Date.now()));
  }
  return { properties, body };
}

/** A received message, and what is wrong with its fields. It can be recorded with any number of problems. */
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
  { now, sample }: { readonly now?: Date; readonly sample?: () => boolean } = {},
): ReadMessage {
  const problems: InvalidMessageError[] = [];
  const { headers } = properties;

  const { type = '', contentEncoding } = properties;
  if (!type) problems.push(new InvalidMessageError('type', 'is missing'));
  if (contentEncoding && contentEncoding.toLowerCase() !== 'utf-8') {
    problems.push(new InvalidMessageError('content-encoding', `"${contentEncoding}" is not supported`));
  }
  const version = wholeNumber(headers[HEADER.version] ?? 1);
  if (version === undefined || version < 1) {
    problems.push(new InvalidMessageError(HEADER.version, 'is not a whole number of 1 or more'));
  }
  const priority = wholeNumber(properties.priority ?? DEFAULT_PRIORITY);
  if (priority === undefined || priority > MAX_PRIORITY) {
    problems.push(new InvalidMessageError('priority', `is not a whole number from 0 to ${MAX_PRIORITY}`));
  }
  if (properties.expiration !== undefined && wholeNumber(properties.expiration) === undefined) {
    problems.push(new InvalidMessageError('expiration', 'is not a whole number of ms'));
  }
  const expiresHeader = headers[HEADER.expiresAt];
  const expiresAt = timeOf(expiresHeader, receivedEnds);
  if (expiresHeader !== undefined && !expiresAt) {
    problems.push(new InvalidMessageError(HEADER.expiresAt, 'is not an RFC 3339 time'));
  }
  const timestamp =
    timeOf(headers[HEADER.time], receivedTimes) ??
    timeOf((properties.timestamp ?? NaN) * 1000, receivedTimes) ??
    now ??
    new Date();
  const { correlationId, replyTo } = properties;
  const messageId = properties.messageId ? properties.messageId : newMessageId();
  const causationId = text(headers[HEADER.causationId]);
  const copy = text(headers[HEADER.copy]);
  const recipient = text(headers[HEADER.recipient]);

  const message: Writable<Message> = {
    messageId,
    sender: properties.appId ? properties.appId : 'unknown',
    recipient: (recipient === undefined ? undefined : parseRecipient(recipient)) ?? address,
    timestamp,
    type,
    version: version ?? 1,
    priority: Math.min(priority ?? DEFAULT_PRIORITY, MAX_PRIORITY),
    attempt: wholeNumber(headers[HEADER.attempt]) ?? 1,
    trace: traceOf(headers) ?? traceFor(messageId, sample?.() ?? true),
    body,
    contentType: properties.contentType ?? JSON_TYPE,
  };
  if (correlationId) message.correlationId = correlationId;
  if (replyTo) message.replyTo = replyTo;
  if (expiresAt) {
    message.expiresAt = expiresAt;
    message.ttl = Math.max(1, expiresAt.getTime() - timestamp.getTime());
  }
  if (causationId) message.causationId = causationId;
  if (copy) message.copy = copy;
  if (headers[HEADER.transient] === true) message.transient = true;
  const foreign = foreignOf(headers);
  if (foreign) message.headers = foreign;
  return { message, problems };
}

function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function timeOf(value: unknown, texts: SecondTexts): Date | undefined {
  const ms = typeof value === 'string' ? texts.msOf(value) : value;
  return typeof ms === 'number' && ms >= 0 && ms <= LAST_TIME ? new Date(ms) : undefined;
}

/** The headers that are not AgentMQ's own. Most messages have none, so that looking for one comes first. */
function foreignOf(headers: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  for (const name in headers) {
    if (ownHeaders.has(name)) continue;
    return Object.fromEntries(Object.entries(headers).filter(([key]) => !ownHeaders.has(key)));
  }
  return undefined;
}

/** The trace context of a message's headers. A malformed one is dropped, not refused (W3C Trace Context, section 4.3). */
export function traceOf(headers: Readonly<Record<string, unknown>>): TraceContext | undefined {
  const parent = text(headers[HEADER.traceparent]);
  if (!parent || !traceparent.test(parent)) return undefined;
  const state = text(headers[HEADER.tracestate]);
  return state ? { traceparent: parent, tracestate: state } : { traceparent: parent };
}
