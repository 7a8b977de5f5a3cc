import { type ChannelModel, type Channel, connect } from 'amqplib';
import { connectInTurn } from '../../server/connect-in-turn.js';
import { within } from 'agentmq/time';
import { explained, refusedOpening } from './explained.js';
import { Blockage } from '../../server/blockage.js';
import { Keeper, type Losable } from '../../server/keeper.js';
import { insideOf } from '../frames/amqplib-connection.js';
import { FrameReader } from '../frames/frame-reader.js';
import { FrameWriter } from '../frames/frame-writer.js';
import type { RabbitMqSettings } from '../options.js';

const CLOSE_TIMEOUT_MS = 1_000;

/** An open connection. */
export class Connection implements Losable {
  readonly gone: Promise<Error>;
  readonly writer: FrameWriter;
  readonly reader: FrameReader;
  /** The broker takes nothing from this connection for now: it is low on memory or disk. */
  blocked = false;
  private readonly unblocked = new Set<() => void>();

  constructor(
    readonly model: ChannelModel,
    blockage: Blockage,
  ) {
    // Without a listener for 'error' the process would die of a lost connection.
    this.gone = lossOf(model, 'the connection to the broker was closed');
    model.on('blocked', (reason: string) => {
      this.blocked = true;
      blockage.begin(`the broker takes no publications: ${reason}`);
    });
    model.on('unblocked', () => {
      this.blocked = false;
      blockage.end();
      for (const call of this.unblocked) call();
    });
    void this.gone.then(() => blockage.end());
    // amqplib only half-closes the socket of a peer that fell silent: it would stay until the kernel gives up.
    void this.gone.then(() => this.destroySocket());
    this.writer = new FrameWriter(insideOf(model));
    this.reader = new FrameReader(insideOf(model));
  }

  /** Calls it whenever the broker takes publications again: once, however often the same function was given. */
  whenUnblocked(call: () => void): void {
    this.unblocked.add(call);
  }

  async close(): Promise<void> {
    this.writer.flush();
    await closed(this.model);
    this.destroySocket();
  }

  /** Uses a channel of its own: a question about a queue that does not exist closes it. */
  async withChannel<T>(use: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.model.createChannel();
    void lossOf(channel, 'closed');
    try {
      return await use(channel);
    } finally {
      await closed(channel);
    }
  }

  private destroySocket(): void {
    // by an error: amqplib does not see another end that is ours, and its heartbeat would keep the process for two intervals
    insideOf(this.model).stream.destroy(new Error('the connection to the broker was closed'));
  }
}

/** Closes a connection or a channel, in bounded time. Never rejects: amqplib throws when it is closed already. */
export async function closed(closable: ChannelModel | Channel): Promise<void> {
  await within(
    CLOSE_TIMEOUT_MS,
    Promise.resolve().then(() => closable.close()),
  );
}

/** Resolves when a connection or channel is closed, with what the broker said why. */
export function lossOf(emitter: ChannelModel | Channel, otherwise: string): Promise<Error> {
  return new Promise((resolve) => {
    let cause: Error | undefined;
    const listen = (event: string, listener: (error?: Error) => void): unknown => emitter.on(event, listener);
    listen('error', (error) => (cause = error));
    listen('close', (error) => resolve(cause ?? error ?? new Error(otherwise)));
  });
}

/** Keeps a connection to one of the URLs. */
export function connectionKeeper(
  purpose: string,
  settings: RabbitMqSettings,
  blockage = new Blockage(),
): Keeper<Connection> {
  const open = connectInTurn(settings.urls, async (url) => {
    try {
      return new Connection(await connectTo(url, purpose, settings), blockage);
    } catch (error) {
      throw refusedOpening(explained(error as Error), new URL(url));
    }
  });
  return new Keeper(settings, { open });
}

function connectTo(url: string, purpose: string, settings: RabbitMqSettings): Promise<ChannelModel> {
  const target = new URL(url);
  if (!target.searchParams.has('heartbeat')) target.searchParams.set('heartbeat', String(settings.heartbeatSeconds));
  return connect(target.href, {
    // With Nagle's algorithm a request-response round trip takes 13 ms instead of 0.3 ms.
    noDelay: true,
    timeout: settings.connectTimeoutMs,
    clientProperties: { connection_name: `${settings.connectionName} ${purpose}` },
  });
}
