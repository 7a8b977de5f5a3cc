import type { AmqplibConnection } from './amqplib-connection.js';
import { type ChannelEvents, ChannelReader } from './channel-reader.js';
import { FRAME_HEADER_BYTES, FRAME_OVERHEAD } from './methods.js';

const NOTHING = Buffer.alloc(0);

/** Reads the messages and confirms that a connection receives; any other frame is amqplib's, which takes longer. */
export class FrameReader {
  private bytes: Buffer = NOTHING;
  private at = 0;
  private readonly channels: (ChannelReader | undefined)[] = [];

  constructor(private readonly connection: AmqplibConnection) {
    const recvFrame = connection.recvFrame.bind(connection);
    this.bytes = connection.rest;
    connection.recvFrame = () => this.next(recvFrame);
  }

  listen(channel: number, events: ChannelEvents): void {
    this.channels[channel] = new ChannelReader(events);
  }

  /** What comes over the channel from now on is amqplib's, which ignores it when the channel is being closed. */
  ignore(channel: number): void {
    this.channels[channel] = undefined;
  }

  /** The next frame that is amqplib's; false when none is whole yet. */
  private next(recvFrame: () => unknown): unknown {
    for (;;) {
      const length = this.frameLength();
      if (length === 0) {
        if (!this.receive()) return false;
        continue;
      }
      const { bytes, at } = this;
      const end = at + length;
      this.at = end;
      const channel = this.channels[bytes.readUInt16BE(at + 1)];
      if (channel?.accept(bytes, at, end)) continue;
      this.connection.rest = bytes.subarray(at, end);
      return recvFrame();
    }
  }

  /** Of the frame that is next, 0 when it is not whole yet. One that is too long is amqplib's to refuse. */
  private frameLength(): number {
    const received = this.bytes.length - this.at;
    if (received < FRAME_HEADER_BYTES) return 0;
    const length = this.bytes.readUInt32BE(this.at + 3) + FRAME_OVERHEAD;
    if (received >= length) return length;
    const { maxFrameSize } = this.connection;
    return maxFrameSize > 0 && length - FRAME_OVERHEAD > maxFrameSize ? received : 0;
  }

  private receive(): boolean {
    const received = this.connection.stream.read() as Buffer | null;
    if (received === null) return false;
    this.connection.recvSinceLastCheck = true;
    this.bytes = this.at < this.bytes.length ? Buffer.concat([this.bytes.subarray(this.at), received]) : received;
    this.at = 0;
    return true;
  }
}
