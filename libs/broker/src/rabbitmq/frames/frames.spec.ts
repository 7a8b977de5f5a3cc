import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { checkHeaders, InvalidMessageError, type WireMessage, type WireProperties } from 'agentmq/protocol';
import type { Channel } from 'amqplib';
import fc from 'fast-check';
import type { AmqplibConnection } from './amqplib-connection.js';
import { ByteReader } from './bytes.js';
import type { Delivery } from './channel-reader.js';
import { readTable } from './field-table.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { FRAME_HEADER_BYTES, METHOD } from './methods.js';

const CHANNEL = 7;
const FRAME_MAX = 4096;
const channel = Object.assign(new EventEmitter(), { ch: CHANNEL }) as unknown as Channel;
const to = { exchange: 'agentmq.direct', routingKey: 'role.bench', mandatory: false, persistent: true };

class Connection implements AmqplibConnection {
  rest = Buffer.alloc(0);
  readonly maxFrameSize = FRAME_MAX;
  sentSinceLastCheck = false;
  recvSinceLastCheck = false;
  readonly channels: AmqplibConnection['channels'] = [];
  readonly written: Buffer[] = [];
  private readonly incoming: Buffer[] = [];
  readonly stream = new Duplex({
    read: () => undefined,
    writev: (chunks, done) => {
      this.written.push(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)));
      done();
    },
  });

  constructor(readonly frameMax = FRAME_MAX) {
    this.stream.read = () => this.incoming.shift() ?? null;
  }

  receive(bytes: Buffer): void {
    this.incoming.push(bytes);
  }

  freshChannel(): number {
    this.channels[CHANNEL] = { buffer: { write: () => false, end: () => undefined } };
    return CHANNEL;
  }

  recvFrame(): unknown {
    return this.rest;
  }
}

/** What a publication is on the wire, made a delivery: the broker changes the method alone. */
function asDelivery(published: Buffer): Buffer {
  const end = FRAME_HEADER_BYTES + published.readUInt32BE(3) + 1;
  const short = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const fields = [short('0'), Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 1]), short(to.exchange), short(to.routingKey)];
  const method = Buffer.concat([Buffer.alloc(4), ...fields]);
  method.writeUInt32BE(METHOD.deliver);
  const header = Buffer.from([1, 0, CHANNEL, 0, 0, 0, method.length]);
  return Buffer.concat([header, method, Buffer.from([0xce]), published.subarray(end)]);
}

function publish(message: WireMessage, mandatory = false): Buffer {
  const connection = new Connection();
  const writer = new FrameWriter(connection);
  writer.publish(CHANNEL, { ...to, mandatory }, message, 1);
  writer.flush();
  expect(connection.written).toHaveLength(1);
  return connection.written[0] ?? Buffer.alloc(0);
}

/** Over a wire that cuts the bytes into pieces of this size. */
function carry(message: WireMessage, pieceBytes = Infinity, mandatory = false): Delivery {
  const connection = new Connection();
  const deliveries: Delivery[] = [];
  const bytes = asDelivery(publish(message, mandatory));
  new FrameReader(connection).listen(channel, { onDelivery: (delivery) => deliveries.push(delivery) });
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    connection.receive(bytes.subarray(from, Math.min(bytes.length, from + pieceBytes)));
    expect(connection.recvFrame()).toBe(false);
  }
  expect(deliveries).toHaveLength(1);
  return deliveries[0] as Delivery;
}

const properties: WireProperties = {
  messageId: '018f-ä',
  type: 'quote',
  appId: 'worker-1',
  correlationId: 'c',
  replyTo: 'r',
  timestamp: 1_767_323_045,
  priority: 9,
  expiration: 60_000,
  contentType: 'application/json',
  contentEncoding: 'identity',
  headers: { 'x-team': 'blue' },
};
const body = Buffer.from('{"a":1}');
const header = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constant(null),
    fc.double({ min: -(2 ** 63), noDefaultInfinity: true, noNaN: true }),
    fc.maxSafeInteger(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value')),
    // what the reader drops at any depth
    fc.dictionary(fc.string(), tie('value')).filter((table) => !('!' in table) && !Object.hasOwn(table, '__proto__')),
  ),
})).value;

describe('the frames of a message', () => {
  it('carry every property, however they are cut', () => {
    for (const piece of [1, 2, 7, 50, Infinity]) {
      expect(carry({ properties, body }, piece)).toEqual({
        consumerTag: '0',
        tag: 9,
        redelivered: true,
        exchange: to.exchange,
        routingKey: to.routingKey,
        properties,
        deliveryCount: undefined,
        body,
      });
    }
    expect(carry({ properties: { headers: {} }, body: Buffer.alloc(0) }).properties).toEqual({ headers: {} });
  });

  it.each([0, 1, 2_048, 2_049, 4_088, 4_089, 100_000])('carry a body of %d bytes', (size) => {
    const large = Buffer.alloc(size, 'x');
    expect(carry({ properties, body: large }, 1_000).body.equals(large)).toBe(true);
  });

  it('carry any header that is allowed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), header), (headers) => {
        delete headers['__proto__'];
        checkHeaders(headers);
        const carried = carry({ properties: { headers }, body }).properties.headers;
        // AMQP has no negative zero.
        expect(JSON.stringify(carried)).toEqual(JSON.stringify(headers));
      }),
    );
  });

  it.each([
    ['timestamp', 1_700_000_000],
    ['decimal', { places: 2, digits: 314 }],
  ])('carry a %s as amqplib tells it', (type, value) => {
    const headers = { h: { '!': type, value } };
    expect(carry({ properties: { headers }, body }).properties.headers).toEqual(headers);
  });

  it.each([
    ['byte', -5],
    ['uint8', 200],
    ['short', -300],
    ['uint16', 40_000],
    ['int', -70_000],
    ['unsignedint', 4_000_000_000],
    ['long', -5e15],
    ['float', 1.5],
    ['double', 0.1],
  ])('carry a number as %s', (type, value) => {
    const headers = { h: { '!': type, value } };
    expect(carry({ properties: { headers }, body }).properties.headers).toEqual({ h: value });
  });

  it('leave out what RabbitMQ takes for orders, and the number of a mandatory one', () => {
    const headers = { CC: ['a'], BCC: 'b', 'x-death': 1, 'agentmq-publication': 5, none: undefined, kept: true };
    const bytes = publish({ properties: { headers }, body }, true);
    expect(bytes.includes('agentmq-publication')).toBe(true);
    expect(bytes.includes('x-death')).toBe(false);
    expect(carry({ properties: { headers }, body }, Infinity, true).properties.headers).toEqual({ kept: true });
  });

  it('tell how often a quorum queue had the message', () => {
    const headers = { 'x-delivery-count': 3, other: 1 };
    expect(carry({ properties: { headers }, body })).toMatchObject({
      deliveryCount: 3,
      properties: { headers: { other: 1 } },
    });
  });

  it('are not begun for a property that AMQP has no form for', () => {
    const connection = new Connection();
    const writer = new FrameWriter(connection);
    for (const [field, value] of [
      ['type', 'x'.repeat(256)],
      ['messageId', 5],
      ['priority', 256],
      ['timestamp', 1.5],
    ] as const) {
      const bad = { properties: { ...properties, [field]: value }, body } as WireMessage;
      expect(() => writer.publish(CHANNEL, to, bad, 1)).toThrow(InvalidMessageError);
      expect(() => writer.publish(CHANNEL, to, bad, 1)).toThrow(expect.objectContaining({ field }));
    }
    writer.publish(CHANNEL, to, { properties, body }, 1);
    writer.flush();
    expect(connection.written).toEqual([publish({ properties, body })]);
  });
});

describe('what a connection writes', () => {
  it('goes out in order, amqplib’s frames with it, once a turn of the event loop', async () => {
    const connection = new Connection();
    const writer = new FrameWriter(connection);
    connection.freshChannel();
    writer.publish(CHANNEL, to, { properties, body }, 1);
    connection.channels[CHANNEL]?.buffer.write(Buffer.from('amqplib'));
    writer.beforeFlush(() => writer.ack(CHANNEL, 3, true));
    writer.giveBack(CHANNEL, 4);
    expect(connection.written).toEqual([]);
    await new Promise(setImmediate);
    const [bytes = Buffer.alloc(0), ...more] = connection.written;
    expect(more).toEqual([]);
    const order = [publish({ properties, body }), 'amqplib', method(METHOD.nack), method(METHOD.ack)];
    const places = order.map((part) => bytes.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('has a body in one frame where the sides have agreed on no limit', () => {
    const connection = new Connection(0);
    const writer = new FrameWriter(connection);
    writer.publish(CHANNEL, to, { properties, body: Buffer.alloc(100_000, 'x') }, 1);
    writer.flush();
    expect(Buffer.concat(connection.written).includes(Buffer.alloc(100_000, 'x'))).toBe(true);
  });

  it('is as long as it takes', () => {
    const connection = new Connection();
    const writer = new FrameWriter(connection);
    const message = { properties, body: Buffer.alloc(2_000, 'x') };
    for (let n = 0; n < 1_000; n++) writer.publish(CHANNEL, to, message, 1);
    writer.flush();
    const one = publish(message);
    expect(Buffer.concat(connection.written).equals(Buffer.concat(Array.from({ length: 1_000 }, () => one)))).toBe(
      true,
    );
  });
});

describe('headers', () => {
  it('that a foreign client nests without end cost no more than their size', () => {
    const levels = 25_000;
    const bytes = Buffer.alloc(4 + 2 + levels * 5);
    bytes.writeUInt32BE(bytes.length - 4);
    bytes.write('\x01h', 4, 'latin1');
    for (let level = 0, at = 6; level < levels; level++, at += 5) {
      bytes.write('A', at, 'latin1');
      bytes.writeUInt32BE(bytes.length - at - 5, at + 1);
    }
    const from = new ByteReader(bytes);
    let value: unknown = readTable(from)['h'];
    let depth = 0;
    for (; Array.isArray(value); [value] = value as unknown[]) depth++;
    expect([value, depth]).toEqual(['[nested too deep]', 100]);
    expect(from.at).toBe(bytes.length);
  });
});

describe('what a connection reads', () => {
  it('tells of confirms, and leaves what else there is to amqplib', () => {
    const connection = new Connection();
    const writer = new FrameWriter(connection);
    const confirms: unknown[] = [];
    new FrameReader(connection).listen(channel, { onConfirm: (...confirm) => confirms.push(confirm) });
    writer.ack(CHANNEL, 2 ** 40, true);
    writer.giveBack(CHANNEL, 5);
    writer.ack(CHANNEL + 1, 6, false);
    writer.flush();
    connection.receive(connection.written[0] ?? Buffer.alloc(0));
    expect(connection.recvFrame()).toMatchObject({ length: 21 });
    expect(connection.recvFrame()).toBe(false);
    expect(confirms).toEqual([
      [2 ** 40, true, true],
      [5, false, false],
    ]);
    expect(connection.recvSinceLastCheck).toBe(true);
  });

  it('tells nothing of another channel that has the number of one that was closed', () => {
    const connection = new Connection();
    const confirms: unknown[] = [];
    new FrameReader(connection).listen(channel, { onConfirm: (...confirm) => confirms.push(confirm) });
    channel.emit('close');
    const writer = new FrameWriter(connection);
    writer.ack(CHANNEL, 1, false);
    writer.flush();
    connection.receive(connection.written[0] ?? Buffer.alloc(0));
    expect(connection.recvFrame()).toMatchObject({ length: 21 });
    expect(confirms).toEqual([]);
  });

  it('leaves a frame that is too long to amqplib, which refuses it', () => {
    const connection = new Connection();
    new FrameReader(connection).listen(channel, {});
    const begun = Buffer.from([3, 0, CHANNEL, 0xff, 0xff, 0xff, 0xff, 0]);
    connection.receive(begun);
    expect(connection.recvFrame()).toEqual(begun);
  });
});

function method(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return bytes;
}
