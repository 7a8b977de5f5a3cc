import type { Message, MessageProperties, Options } from 'amqplib';
import type { WireMessage, WireProperties } from 'agentmq/protocol';

/** Marks a mandatory publication, so that the broker can be understood when it returns it; removed on receipt. */
export const PUBLICATION_HEADER = 'agentmq-publication';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The properties as amqplib takes them. `CC` and `BCC` are left out: RabbitMQ takes these headers as orders to send
 * copies to other queues, and closes the channel when they are no lists. So is `x-death`, which RabbitMQ 3.10 reads
 * when the message dies, and fails at.
 */
export function toAmqp(properties: WireProperties, publicationId?: number): Options.Publish {
  const headers: Record<string, unknown> = { ...properties.headers };
  if ('CC' in headers) delete headers['CC'];
  if ('BCC' in headers) delete headers['BCC'];
  if ('x-death' in headers) delete headers['x-death'];
  if (publicationId !== undefined) headers[PUBLICATION_HEADER] = publicationId;
  const options: Options.Publish = { ...(properties as Omit<WireProperties, 'headers'>), headers };
  if (properties.expiration !== undefined) options.expiration = String(properties.expiration);
  return options;
}

/** How often a quorum queue has had the message returned; the broker's own, no header of the message. */
const DELIVERY_COUNT_HEADER = 'x-delivery-count';

/** The message as it came: a property of an unexpected type is dropped, headers are passed on as they are. Never throws. */
export function fromAmqp({ properties, content }: Message): WireMessage {
  const {
    [PUBLICATION_HEADER]: _publication,
    [DELIVERY_COUNT_HEADER]: _count,
    ...headers
  } = (properties.headers ?? {}) as Record<string, unknown>;
  const wire: Writable<WireProperties> = { headers };
  for (const name of TEXTS) {
    const value = properties[name] as unknown;
    if (typeof value === 'string') wire[name] = value;
  }
  for (const name of NUMBERS) {
    const value = properties[name] as unknown;
    if (typeof value === 'number') wire[name] = value;
  }
  const expiration = properties.expiration as unknown;
  if (typeof expiration === 'string' && /^\d+$/.test(expiration)) wire.expiration = Number(expiration);
  return { properties: wire, body: content };
}

const TEXTS = [
  'messageId',
  'type',
  'appId',
  'correlationId',
  'replyTo',
  'contentType',
  'contentEncoding',
] as const satisfies readonly (keyof MessageProperties & keyof WireProperties)[];
const NUMBERS = ['timestamp', 'priority'] as const satisfies readonly (keyof MessageProperties &
  keyof WireProperties)[];

/** What the broker says of how often a message was given back: quorum queues count, classic ones tell only whether. */
export function returnsOf({ properties, fields }: Message): number {
  const counted = properties.headers?.[DELIVERY_COUNT_HEADER] as unknown;
  if (typeof counted === 'number' && counted >= 0) return counted;
  return fields.redelivered ? 3 : 0;
}

/** The id that a returned publication was marked with. */
export function publicationIdOf({ properties }: Message): number | undefined {
  const id = properties.headers?.[PUBLICATION_HEADER] as unknown;
  return typeof id === 'number' ? id : undefined;
}
