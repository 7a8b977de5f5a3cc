import type { WireProperties } from 'agentmq/protocol';
import { readProperties } from './basic-properties.js';
import type { ByteReader } from './bytes.js';
import { FRAME, FRAME_HEADER_BYTES, METHOD } from './methods.js';

/** A message as it came over a channel. */
export interface Delivery {
  readonly consumerTag: string;
  /** What to acknowledge it by, on this channel alone. */
  readonly tag: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  properties: WireProperties;
  /** How often a quorum queue has had it returned; undefined for any other queue. */
  deliveryCount: number | undefined;
  body: Buffer;
}

/** What a channel hears. Must not throw: amqplib would close the connection. */
export interface ChannelEvents {
  onDelivery?(delivery: Delivery): void;
  /** The broker has taken, or refused, the publication with this number; with `multiple` also all before it. */
  onConfirm?(publication: number, multiple: boolean, taken: boolean): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Puts together what comes over one channel: a message is a frame with the method, one with its properties, and its body. */
export class ChannelReader {
  /** Its body is not whole yet. */
  private delivery: Delivery | undefined;
  private missing = 0;
  private parts: Buffer[] = [];

  constructor(private readonly events: ChannelEvents) {}

  /** False when the frame, which is next and ends at `end`, is amqplib's: of a returned message, for example. */
  accept(from: ByteReader, end: number): boolean {
    if (from.bytes[end - 1] !== FRAME.end) return false;
    const type = from.uint8();
    from.at += FRAME_HEADER_BYTES - 1;
    if (type === FRAME.method) return this.method(from);
    if (!this.delivery) return false;
    if (type === FRAME.header) this.header(this.delivery, from);
    else this.part(this.delivery, from.take(end - 1 - from.at));
    return true;
  }

  private method(from: ByteReader): boolean {
    const method = from.uint32();
    if (method === METHOD.deliver) {
      this.delivery = {
        consumerTag: from.shortText(),
        tag: from.uint64(),
        redelivered: from.uint8() !== 0,
        exchange: from.shortText(),
        routingKey: from.shortText(),
        properties: { headers: {} },
        deliveryCount: undefined,
        body: NOTHING,
      };
      return true;
    }
    const taken = method === METHOD.ack;
    if (!this.events.onConfirm || (!taken && method !== METHOD.nack)) return false;
    this.events.onConfirm(from.uint64(), (from.uint8() & 1) !== 0, taken);
    return true;
  }

  private header(delivery: Delivery, from: ByteReader): void {
    // The class, and a weight that is always 0.
    from.uint32();
    this.missing = from.uint64();
    const { properties, deliveryCount } = readProperties(from);
    delivery.properties = properties;
    delivery.deliveryCount = deliveryCount;
    if (this.missing === 0) this.deliver(delivery);
  }

  private part(delivery: Delivery, bytes: Buffer): void {
    this.missing -= bytes.length;
    if (this.missing > 0) {
      this.parts.push(bytes);
      return;
    }
    if (this.parts.length === 0) delivery.body = bytes;
    else {
      delivery.body = Buffer.concat([...this.parts, bytes]);
      this.parts = [];
    }
    this.deliver(delivery);
  }

  private deliver(delivery: Delivery): void {
    this.delivery = undefined;
    this.events.onDelivery?.(delivery);
  }
}
