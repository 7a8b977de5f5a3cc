import { InvalidMessageError, type WireProperties } from 'agentmq/protocol';
import { isWhole } from '../../checks.js';
import type { ByteReader, ByteWriter } from './bytes.js';
import { readTable, writeTable, writeValue } from './field-table.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** How often a quorum queue has had the message returned; the broker's own, no header of the message. */
const DELIVERY_COUNT_HEADER = 'x-delivery-count';
/** Names a mandatory publication, so that the broker can be understood when it returns it; removed on receipt. */
export const PUBLICATION_HEADER = 'agentmq-publication';

/** The bits that tell which properties are there, in the order in which they stand: AMQP 0-9-1, section 4.2.6.1. */
const FLAG = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
} as const;
const DELIVERY_MODE = { transient: 1, persistent: 2 } as const;

/**
 * `CC` and `BCC` are left out: RabbitMQ takes these headers as orders to send copies to other queues, and closes the
 * channel when they are no lists. So is `x-death`, which RabbitMQ 3.10 reads when the message dies, and fails at.
 */
const isLeftOut = (key: string): boolean =>
  key === 'CC' || key === 'BCC' || key === 'x-death' || key === PUBLICATION_HEADER;

/** Throws `InvalidMessageError` for a property that AMQP has no form for. `publication` is its name when it is mandatory. */
export function writeProperties(
  to: ByteWriter,
  properties: WireProperties & { readonly userId?: string },
  persistent: boolean,
  publication: number | undefined,
): void {
  const { priority, timestamp, expiration } = properties;
  const flagsAt = to.at;
  to.uint16(0);
  let flags = FLAG.headers | FLAG.deliveryMode;
  flags |= writeText(to, 'contentType', properties.contentType);
  flags |= writeText(to, 'contentEncoding', properties.contentEncoding);
  writeTable(to, properties.headers, isLeftOut, () => {
    if (publication === undefined) return;
    to.shortText(PUBLICATION_HEADER);
    writeValue(to, publication);
  });
  to.uint8(persistent ? DELIVERY_MODE.persistent : DELIVERY_MODE.transient);
  if (priority !== undefined) {
    flags |= FLAG.priority;
    to.uint8(whole('priority', priority, 0xff));
  }
  flags |= writeText(to, 'correlationId', properties.correlationId);
  flags |= writeText(to, 'replyTo', properties.replyTo);
  flags |= writeText(to, 'expiration', expiration === undefined ? undefined : String(expiration));
  flags |= writeText(to, 'messageId', properties.messageId);
  if (timestamp !== undefined) {
    flags |= FLAG.timestamp;
    to.uint64(whole('timestamp', timestamp, Number.MAX_SAFE_INTEGER));
  }
  flags |= writeText(to, 'type', properties.type);
  flags |= writeText(to, 'userId', properties.userId);
  flags |= writeText(to, 'appId', properties.appId);
  to.bytes.writeUInt16BE(flags, flagsAt);
}

/** The properties as they came, and what a quorum queue counted; an expiration that is no number is dropped. */
export function readProperties(from: ByteReader): { properties: WireProperties; deliveryCount: number | undefined } {
  const flags = from.uint16();
  const properties: Writable<WireProperties> = { headers: {} };
  let deliveryCount: number | undefined;
  if (flags & FLAG.contentType) properties.contentType = from.shortText();
  if (flags & FLAG.contentEncoding) properties.contentEncoding = from.shortText();
  if (flags & FLAG.headers) {
    properties.headers = readTable(from, (key, value) => {
      if (key === DELIVERY_COUNT_HEADER && typeof value === 'number' && value >= 0) deliveryCount = value;
      return key === DELIVERY_COUNT_HEADER || key === PUBLICATION_HEADER;
    });
  }
  if (flags & FLAG.deliveryMode) from.uint8();
  if (flags & FLAG.priority) properties.priority = from.uint8();
  if (flags & FLAG.correlationId) properties.correlationId = from.shortText();
  if (flags & FLAG.replyTo) properties.replyTo = from.shortText();
  if (flags & FLAG.expiration) {
    const expiration = from.shortText();
    if (/^\d+$/.test(expiration)) properties.expiration = Number(expiration);
  }
  if (flags & FLAG.messageId) properties.messageId = from.shortText();
  if (flags & FLAG.timestamp) properties.timestamp = from.uint64();
  if (flags & FLAG.type) properties.type = from.shortText();
  if (flags & FLAG.userId) from.shortText();
  if (flags & FLAG.appId) properties.appId = from.shortText();
  return { properties, deliveryCount };
}

/** Answers the flag of the property, 0 when it is not there. */
function writeText(to: ByteWriter, name: keyof typeof FLAG, value: string | undefined): number {
  if (value === undefined) return 0;
  writeShortText(to, name, value);
  return FLAG[name];
}

/** Throws `InvalidMessageError` that names the field. */
export function writeShortText(to: ByteWriter, field: string, value: string): void {
  try {
    to.shortText(value);
  } catch (cause) {
    throw new InvalidMessageError(field, 'must be a string of up to 255 bytes', { cause });
  }
}

function whole(name: string, value: number, most: number): number {
  if (isWhole(value, 0, most)) return value;
  throw new InvalidMessageError(name, `${value} is not a whole number from 0 to ${most}`);
}
