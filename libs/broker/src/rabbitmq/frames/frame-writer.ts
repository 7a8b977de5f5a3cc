import type { WireMessage } from 'agentmq/protocol';
import type { AmqplibConnection, FrameSink } from './amqplib-connection.js';
import { writeProperties, writeShortText } from './basic-properties.js';
import { ByteWriter } from './bytes.js';
import { BASIC, FRAME, FRAME_OVERHEAD, METHOD } from './methods.js';

/** Where a publication goes, and how. */
export interface Address {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly persistent: boolean;
}

const CHUNK_BYTES = 256 * 1024;
/** More than one publication needs beside its body: `checkMessage` allows headers of 60 KiB. */
const ROOM_BYTES = 68 * 1024;
/** A larger body goes to the socket as it is. */
const MAX_COPIED_BYTES = 2 * 1024;
const MANDATORY = 1;
const MULTIPLE = 1;
const REQUEUE = 2;

/**
 * Writes what a connection sends: messages and acknowledgements, encoded here, and the frames that amqplib encodes, in
 * order. What is written in one turn of the event loop goes to the socket together. amqplib takes ten times as long to
 * encode a message, and makes a system call for each.
 */
export class FrameWriter implements FrameSink {
  private chunk = new ByteWriter(Buffer.allocUnsafeSlow(CHUNK_BYTES));
  /** Up to here the chunk is with the socket, or in `pieces`. */
  private handed = 0;
  private pieces: Buffer[] = [];
  private scheduled = false;
  private late: (() => void)[] = [];

  constructor(private readonly connection: AmqplibConnection) {
    const freshChannel = connection.freshChannel.bind(connection);
    connection.freshChannel = (channel, options) => {
      const number = freshChannel(channel, options);
      const opened = connection.channels[number];
      if (opened) opened.buffer = this;
      return number;
    };
  }

  /**
   * Throws `InvalidMessageError` for a property that AMQP has no form for, and writes nothing then. A mandatory message
   * that no queue takes is returned with the number.
   */
  publish(channel: number, to: Address, { properties, body }: WireMessage, number: number): void {
    this.makeRoom(ROOM_BYTES);
    const { chunk } = this;
    const { at } = chunk;
    try {
      const method = this.begin(FRAME.method, channel);
      chunk.uint32(METHOD.publish);
      chunk.uint16(0);
      writeShortText(chunk, 'exchange', to.exchange);
      writeShortText(chunk, 'routingKey', to.routingKey);
      chunk.uint8(to.mandatory ? MANDATORY : 0);
      this.finish(method);
      const header = this.begin(FRAME.header, channel);
      chunk.uint16(BASIC);
      chunk.uint16(0);
      chunk.uint64(body.length);
      writeProperties(chunk, properties, to.persistent, to.mandatory ? number : undefined);
      this.finish(header);
    } catch (error) {
      chunk.at = at;
      throw error;
    }
    this.content(channel, body);
    this.schedule();
  }

  ack(channel: number, tag: number, multiple: boolean): void {
    this.answer(METHOD.ack, channel, tag, multiple ? MULTIPLE : 0);
  }

  /** Gives one message back to its queue. */
  giveBack(channel: number, tag: number): void {
    this.answer(METHOD.nack, channel, tag, REQUEUE);
  }

  /** Calls it just before what was written in this turn goes to the socket. */
  beforeFlush(call: () => void): void {
    this.late.push(call);
    this.schedule();
  }

  /** A frame of amqplib's. */
  write(frame: Buffer): boolean {
    this.makeRoom(frame.length);
    this.chunk.copy(frame);
    this.schedule();
    return true;
  }

  /** amqplib calls it when a channel is closed. */
  end(): void {}

  flush(): void {
    this.scheduled = false;
    const late = this.late;
    this.late = [];
    for (const call of late) call();
    this.handOver();
    const pieces = this.pieces;
    this.pieces = [];
    const { stream } = this.connection;
    if (!stream.writable) return;
    this.connection.sentSinceLastCheck = true;
    stream.cork();
    for (const piece of pieces) stream.write(piece);
    stream.uncork();
  }

  private answer(method: number, channel: number, tag: number, bits: number): void {
    this.makeRoom(FRAME_OVERHEAD + 13);
    const frame = this.begin(FRAME.method, channel);
    this.chunk.uint32(method);
    this.chunk.uint64(tag);
    this.chunk.uint8(bits);
    this.finish(frame);
    this.schedule();
  }

  private content(channel: number, body: Buffer): void {
    if (body.length === 0) return;
    if (body.length <= MAX_COPIED_BYTES) {
      this.makeRoom(FRAME_OVERHEAD + body.length);
      const frame = this.begin(FRAME.body, channel);
      this.chunk.copy(body);
      return this.finish(frame);
    }
    // A limit of 0, which client and server may agree on, is none.
    const most = (this.connection.frameMax || Infinity) - FRAME_OVERHEAD;
    for (let from = 0; from < body.length; from += most) {
      const part = body.subarray(from, from + most);
      this.makeRoom(FRAME_OVERHEAD);
      this.begin(FRAME.body, channel);
      this.chunk.bytes.writeUInt32BE(part.length, this.chunk.at - 4);
      this.handOver();
      this.pieces.push(part);
      this.chunk.uint8(FRAME.end);
    }
  }

  private begin(type: number, channel: number): number {
    this.chunk.uint8(type);
    this.chunk.uint16(channel);
    return this.chunk.beginLength();
  }

  private finish(frame: number): void {
    this.chunk.endLength(frame);
    this.chunk.uint8(FRAME.end);
  }

  private makeRoom(bytes: number): void {
    if (this.chunk.room >= bytes) return;
    this.handOver();
    this.chunk = new ByteWriter(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes)));
    this.handed = 0;
  }

  private handOver(): void {
    if (this.chunk.at > this.handed) this.pieces.push(this.chunk.bytes.subarray(this.handed, this.chunk.at));
    this.handed = this.chunk.at;
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.flush());
  }
}
