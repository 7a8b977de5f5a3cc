import { isUtf8 } from 'node:buffer';
import type { Message, Recipient } from 'agentmq/protocol';
import { bigints, booleans, clean, cleanOptional, jsons, smallints, texts, timestamps } from 'agentmq/database';
import { decode, encode } from './header-codec.js';

/** A row of `messages`, as pg gives it. bigint comes as text. */
export interface MessageRow {
  readonly messageId: string;
  readonly sender: string;
  readonly recipientKind: string;
  readonly recipient: string;
  readonly correlationId: string | null;
  readonly causationId: string | null;
  readonly sentAt: Date;
  readonly type: string;
  readonly version: string;
  readonly priority: number;
  readonly ttlMs: string | null;
  readonly deliverAt: Date | null;
  readonly expiresAt: Date | null;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly replyTo: string | null;
  readonly transient: boolean;
  readonly contentType: string;
  readonly headers: unknown;
  readonly body: string;
  readonly bodyEncoding: string;
}

/** The parameters of `insertMessages`: an array for each column. */
export function messageParameters(messages: readonly Message[]): Buffer[] {
  const bodies = messages.map(({ body }) => storedBody(body));
  return [
    texts(messages.map((m) => clean(m.messageId))),
    texts(messages.map((m) => clean(m.sender))),
    texts(messages.map((m) => m.recipient.kind)),
    texts(messages.map((m) => clean(m.recipient.name))),
    texts(messages.map((m) => cleanOptional(m.correlationId))),
    texts(messages.map((m) => cleanOptional(m.causationId))),
    timestamps(messages.map((m) => m.timestamp)),
    texts(messages.map((m) => clean(m.type))),
    bigints(messages.map((m) => m.version)),
    smallints(messages.map((m) => m.priority)),
    bigints(messages.map((m) => m.ttl)),
    timestamps(messages.map((m) => m.deliverAt)),
    timestamps(messages.map((m) => m.expiresAt)),
    texts(messages.map((m) => cleanOptional(m.trace?.traceparent))),
    texts(messages.map((m) => cleanOptional(m.trace?.tracestate))),
    texts(messages.map((m) => cleanOptional(m.replyTo))),
    booleans(messages.map((m) => m.transient ?? false)),
    texts(messages.map((m) => clean(m.contentType))),
    jsons(messages.map((m) => (m.headers ? JSON.stringify(encode(m.headers)) : null))),
    texts(bodies.map(({ stored }) => stored)),
    texts(bodies.map(({ encoding }) => encoding)),
  ];
}

/** The message of a row, with an empty body where that was not read. `attempt` is of a copy on the wire, not of the message: it is not stored. */
export function toMessage(row: MessageRow, attempt = 1): Message {
  return {
    messageId: row.messageId,
    sender: row.sender,
    recipient: { kind: row.recipientKind as Recipient['kind'], name: row.recipient },
    timestamp: row.sentAt,
    type: row.type,
    version: Number(row.version),
    priority: row.priority,
    contentType: row.contentType,
    attempt,
    body: Buffer.from((row.body as string | undefined) ?? '', row.bodyEncoding === 'base64' ? 'base64' : 'utf8'),
    ...(row.correlationId === null ? {} : { correlationId: row.correlationId }),
    ...(row.causationId === null ? {} : { causationId: row.causationId }),
    ...(row.ttlMs === null ? {} : { ttl: Number(row.ttlMs) }),
    ...(row.deliverAt === null ? {} : { deliverAt: row.deliverAt }),
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt }),
    ...(row.traceparent === null ? {} : { trace: traceOf(row.traceparent, row.tracestate) }),
    ...(row.replyTo === null ? {} : { replyTo: row.replyTo }),
    ...(row.transient ? { transient: true } : {}),
    ...(row.headers === null ? {} : { headers: decode(row.headers) as Record<string, unknown> }),
  };
}

const traceOf = (traceparent: string, tracestate: string | null) => ({
  traceparent,
  ...(tracestate === null ? {} : { tracestate }),
});

/** Bytes that are text are stored as text, readable in the database; the rest as base64, so that every byte comes back. */
function storedBody(body: Buffer): { stored: Buffer | string; encoding: 'utf8' | 'base64' } {
  // PGlite's decoder swallows a byte order mark.
  const marked = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return isUtf8(body) && !body.includes(0) && !marked
    ? { stored: body, encoding: 'utf8' }
    : { stored: body.toString('base64'), encoding: 'base64' };
}
