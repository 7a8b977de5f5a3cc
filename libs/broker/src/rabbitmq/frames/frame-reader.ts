import type { Channel } from 'amqplib';
import { type AmqplibConnection, numberOf } from './amqplib-connection.js';
import { ByteReader } from './bytes.js';
import { type ChannelEvents, ChannelReader } from './channel-reader.js';
import { FRAME_HEADER_BYTES, FRAME_OVERHEAD } from './methods.js';

/** Reads the messages and confirms that a connection receives; any other frame is amqplib's, which takes longer. */
export class FrameReader {
  /** What was received, and how far it has been read. */
  private readonly from: ByteReader;
  private readonly channels: (ChannelReader | undefined)[] = [];

  constructor(private readonly connection: AmqplibConnection) {
    const recvFrame = connection.recvFrame.bind(connection);
    this.from = new ByteReader(connection.rest);
    connection.recvFrame = () => this.next(recvFrame);
  }

  /** Tells what comes over the channel, until that is closed: another channel can have its number then. */
  listen(channel: Channel, events: ChannelEvents): void {
    this.channels[numberOf(channel)] = new ChannelReader(events);
    channel.once('close', () => this.ignore(channel));
  }

  /** What comes over the channel from now on is amqplib's, which ignores it when the channel is being closed. */
  ignore(channel: Channel): void {
    this.channels[numberOf(channel)] = undefined;
  }

  /** The next frame that is amqplib's; false when none is whole yet. */
  private next(recvFrame: () => unknown): unknown {
    for (;;) {
      const length = this.frameLength();
      if (length === 0) {
        if (!this.receive()) return false;
        continue;
      }
      const { bytes, at } = this.from;
      const end = at + length;
      const accepted = this.channels[bytes.readUInt16BE(at + 1)]?.accept(this.from, end);
      this.from.at = end;
      if (accepted) continue;
      this.connection.rest = bytes.subarray(at, end);
      return recvFrame();
    }
  }

  /** Of the frame that is next, 0 when it is not whole yet. One that is too long is amqplib's to refuse. */
  private frameLength(): number {
    const { bytes, at } = this.from;
    const received = bytes.length - at;
    if (received < FRAME_HEADER_BYTES) return 0;
    const length = bytes.readUInt32BE(at + 3) + FRAME_OVERHEAD;
    if (received >= length) return length;
    const { maxFrameSize } = this.connection;
    return maxFrameSize > 0 && length - FRAME_OVERHEAD > maxFrameSize ? received : 0;
  }

  private receive(): boolean {
    const received = this.connection.stream.read() as Buffer | null;
    if (received === null) return false;
    this.connection.recvSinceLastCheck = true;
    const { bytes, at } = this.from;
    this.from.bytes = at < bytes.length ? Buffer.concat([bytes.subarray(at), received]) : received;
    this.from.at = 0;
    return true;
  }
}
