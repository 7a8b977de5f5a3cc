import { createHash } from 'node:crypto';
import type { MessageKeys } from '../contract/keys.js';
import { InvalidMessageError } from '../errors.js';
import type { Recipient } from './recipient.js';

/** W3C Trace Context of a message; one trace per flow. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A message's fields, all but its payload. */
export interface Envelope {
  /** UUIDv7 when AgentMQ made it; a foreign producer's own string is kept. */
  readonly messageId: string;
  /** Agent id of the sender. */
  readonly sender: string;
  readonly recipient: Recipient;
  readonly correlationId?: string;
  readonly timestamp: Date;
  /** Contract name and version. */
  readonly type: string;
  readonly version: number;
  /** 0 to 10; 5 unless given. Above 5 overtakes what waits. */
  readonly priority: number;
  /** Not to be delivered before. */
  readonly deliverAt?: Date;
  /** Time to live from `timestamp`, or from `deliverAt`, in ms. */
  readonly ttl?: number;
  /** When `ttl` ends; the receiver checks it again. */
  readonly expiresAt?: Date;
  /** The message that caused this one. */
  readonly causationId?: string;
  readonly trace?: TraceContext;
  /** Where a request's answer goes (AMQP direct reply-to). */
  readonly replyTo?: string;
  /** True for a message that was not stored before it was sent. */
  readonly transient?: boolean;
  /** Above 1 on every republication, so that a copy can be told from the first. */
  readonly attempt: number;
  /** Tells one copy of the message from another, on the wire. */
  readonly copy?: string;
}

/** One message as it travels: envelope, and payload as bytes. Immutable once sent. */
export interface Message extends Envelope {
  readonly body: Buffer;
  readonly contentType: string;
  /** Headers that are not AgentMQ's own, passed through. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** By which it is found once it is stored. It does not travel with the message, and is not read back with it. */
  readonly keys?: MessageKeys;
}

export const DEFAULT_PRIORITY = 5;
export const MAX_PRIORITY = 10;

/** The trace of a message that came without one: made of its id, so that every copy of it, and what it causes, are in the same. */
export function traceFor(messageId: string, sampled = true): TraceContext {
  const digits = createHash('sha256').update(messageId).digest('hex');
  return { traceparent: `00-${digits.slice(0, 32)}-${digits.slice(32, 48)}-${sampled ? '01' : '00'}` };
}

/** Throws {@link InvalidMessageError} unless `priority` is a whole number from 0 to 10. */
export function checkPriority(priority: number): number {
  if (!Number.isInteger(priority) || priority < 0 || priority > MAX_PRIORITY) {
    throw new InvalidMessageError('priority', `${priority} is not a whole number from 0 to ${MAX_PRIORITY}`);
  }
  return priority;
}

/** The longest that a message may live, in ms: AMQP's longest expiration. */
export const MAX_TTL_MS = 0xffff_ffff;

/** Throws {@link InvalidMessageError} unless `ttl` is a whole number of ms from 1 to {@link MAX_TTL_MS}. */
export function checkTtl(ttl: number): number {
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL_MS) {
    throw new InvalidMessageError('ttl', `${ttl} is not a whole number of ms from 1 to ${MAX_TTL_MS}`);
  }
  return ttl;
}

/** What AMQP's short strings hold, in bytes: ids and types can't be longer on the wire. */
export const MAX_SHORT_BYTES = 255;

/** Throws {@link InvalidMessageError} naming `field` unless `text` has 1 to 255 bytes. */
export function checkShort(field: string, text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes < 1 || bytes > MAX_SHORT_BYTES) {
    throw new InvalidMessageError(field, `has ${bytes} bytes, which is not from 1 to ${MAX_SHORT_BYTES}`);
  }
  return text;
}
