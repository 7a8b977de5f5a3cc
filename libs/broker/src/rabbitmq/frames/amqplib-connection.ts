import type { Duplex } from 'node:stream';
import type { Channel, ChannelModel } from 'amqplib';

/** What takes the frames that amqplib makes for a channel. */
export interface FrameSink {
  /** Whether there is room for more. */
  write(frame: Buffer): boolean;
  end(): void;
}

/**
 * The inside of amqplib's connection, as far as frames of messages are written and read past it. package.json names the
 * versions of amqplib that have it.
 */
export interface AmqplibConnection {
  readonly stream: Duplex;
  /** Agreed on with the broker, and what a frame that is received may have at most (0: any). */
  readonly frameMax: number;
  readonly maxFrameSize: number;
  /** What was received and is no whole frame yet. */
  rest: Buffer;
  /** For heartbeats. */
  sentSinceLastCheck: boolean;
  recvSinceLastCheck: boolean;
  readonly channels: ({ buffer: FrameSink } | null)[];
  freshChannel(channel: unknown, options: unknown): number;
  /** The next frame; false when none is whole yet. */
  recvFrame(): unknown;
}

export const insideOf = (model: ChannelModel): AmqplibConnection => model.connection as unknown as AmqplibConnection;

export const numberOf = (channel: Channel): number => (channel as unknown as { readonly ch: number }).ch;
