import type { Losable } from '../../server/keeper.js';
import { BrokerUnavailableError } from '../../errors.js';
import { Client, isReadOnly, isReply, type RedisArgument } from './client.js';
import type { RedisSettings } from '../options.js';
import type { Script } from '../scripts/script.js';
import { ALL_SCRIPTS, PROBE } from '../scripts/scripts.js';

/** In how many parts the time is cut after which a silent server counts as gone. */
const PINGS = 4;

/**
 * The connections of one broker object, lost together: one publishes, one reads and acknowledges, so that a backlog of
 * publications keeps no lease from being prolonged, and one hears channels (Redis cuts it when it hears too slowly).
 */
export class Session implements Losable {
  readonly gone: Promise<Error>;
  readonly prefix: string;
  private readonly clients: Client[] = [];
  private watch: NodeJS.Timeout | undefined;
  private end: (reason: Error) => void = () => undefined;
  private ended = false;
  private publishingClient!: Client;
  private readingClient!: Client;
  private hearingClient!: Client;

  private constructor(private readonly settings: RedisSettings) {
    this.prefix = prefixOf(settings.namespace);
    this.gone = new Promise((resolve) => (this.end = resolve));
  }

  /** Connects to the server at `url`. */
  static async open(url: string, settings: RedisSettings): Promise<Session> {
    const session = new Session(settings);
    try {
      await session.connect(url);
      return session;
    } catch (error) {
      session.lose(error as Error);
      throw error;
    }
  }

  get lost(): boolean {
    return this.ended;
  }

  /** Over the connection that publishes. */
  publish(script: Script, args: readonly RedisArgument[]): Promise<unknown> {
    return this.publishingClient.run(script, this.prefix, args);
  }

  /** Publishes to a channel; resolves with how many heard it. */
  async tell(channel: string, payload: Buffer): Promise<number> {
    return Number(await this.publishingClient.command('PUBLISH', channel, payload));
  }

  /** Over the connection that reads. */
  run(script: Script, args: readonly RedisArgument[]): Promise<unknown> {
    return this.readingClient.run(script, this.prefix, args);
  }

  /** The same, with texts in the reply as bytes. */
  runForBytes(script: Script, args: readonly RedisArgument[]): Promise<unknown> {
    return this.readingClient.runForBytes(script, this.prefix, args);
  }

  /** What the server says of itself. */
  ask(...args: string[]): Promise<unknown> {
    return this.readingClient.command(...args);
  }

  /** Hears a channel, without the prefix. */
  hear(channel: string, listener: (payload: Buffer) => void): Promise<void> {
    return this.hearingClient.subscribe(this.prefix + channel, listener);
  }

  async hearNoMore(channel: string): Promise<void> {
    if (!this.ended) await this.hearingClient.unsubscribe(this.prefix + channel);
  }

  /** It is of no use any more, for this reason. */
  lose(reason: Error): void {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.watch);
    for (const client of this.clients) client.destroy();
    this.end(reason);
  }

  async close(): Promise<void> {
    this.lose(new Error('closed'));
  }

  private async connect(url: string): Promise<void> {
    const { connectTimeoutMs, connectionName } = this.settings;
    const open = async (purpose: string): Promise<Client> => {
      const name = `${connectionName}-${purpose}`.replace(/[^!-~]/g, '_');
      const client = await Client.open({ url, name, connectTimeoutMs }, (reason) => this.lose(reason));
      if (this.ended) client.destroy();
      this.clients.push(client);
      return client;
    };
    [this.publishingClient, this.readingClient, this.hearingClient] = await Promise.all([
      open('publisher'),
      open('reader'),
      open('listener'),
    ]);
    // From here on: a server may fall silent between any two answers.
    if (!this.ended) this.watch = setInterval(this.pings(), this.settings.silenceMs / PINGS);
    await Promise.all(ALL_SCRIPTS.map(({ source }) => this.publishingClient.command('SCRIPT', 'LOAD', source)));
    // A replica would take a reader, and refuse what it does: the server is to be asked for elsewhere.
    await this.publish(PROBE, []).catch((error: Error) => {
      if (isReadOnly(error)) throw error;
    });
  }

  /** A ping that is not answered in time is the only sign that the other end of a connection is gone. */
  private pings(): () => void {
    const unanswered = new Map(this.clients.map((client) => [client, 0]));
    return () => {
      for (const [client, count] of unanswered) {
        if (count >= PINGS) {
          this.lose(new BrokerUnavailableError(`the broker was silent for ${this.settings.silenceMs} ms`));
          return;
        }
        unanswered.set(client, count + 1);
        if (count > 0) continue;
        client.command('PING').then(
          () => unanswered.set(client, 0),
          // An error is an answer as well: while Redis loads its data, for example.
          (error: unknown) => isReply(error) && unanswered.set(client, 0),
        );
      }
    };
  }
}

/** In braces, so that all keys of a namespace are in one slot. */
export const prefixOf = (namespace: string): string => `{${namespace}}.`;
