import type * as redisClient from '@redis/client';
import { optionalPackage } from 'agentmq/protocol';
import { BrokerUnavailableError } from '../../errors.js';
import { pause } from 'agentmq/time';
import type { Script } from '../scripts/script.js';

export type RedisArgument = string | Buffer;

/** The types of Redis's replies that are to be read in another way than by default. */
type TypeMapping = Readonly<Record<number, typeof Buffer>>;

let loaded: typeof redisClient | undefined;

async function load(): Promise<typeof redisClient> {
  loaded ??= await optionalPackage('@redis/client', 'MESSAGE_BUS_TYPE=redis', () => import('@redis/client'));
  return loaded;
}

type Create = (options: Omit<redisClient.RedisClientOptions, 'RESP'>) => redisClient.RedisClientType;
let create: Create | undefined;

/** `createClient` defines some 1,600 methods anew whenever the URL or the name differs from those of the last call. */
function creator({ RedisClient }: typeof redisClient): Create {
  return (create ??= RedisClient.factory());
}

/** Loads the package, which an app has only if it uses Redis. Rejects with `PackageMissingError`. */
export async function loadRedis(): Promise<void> {
  await load();
}

export interface ClientOptions {
  readonly url: string;
  readonly name: string;
  readonly connectTimeoutMs: number;
}

/** Whether the server answered a command with an error, rather than that the connection was lost. */
export const isReply = (error: unknown): error is Error => loaded !== undefined && error instanceof loaded.ErrorReply;

/** The server is a replica, or has become one: another one is to be found. */
export const isReadOnly = (error: Error): boolean => error.message.startsWith('READONLY');

/** One connection, opened once: what is to be done when it is lost, its user knows. */
export class Client {
  private constructor(
    private readonly client: redisClient.RedisClientType,
    /** Texts in replies as bytes. */
    private readonly asBytes: TypeMapping,
  ) {}

  /** Rejects when it can't be opened in time. `onLost` is called at least once when it is lost. */
  static async open({ url, name, connectTimeoutMs }: ClientOptions, onLost: (reason: Error) => void): Promise<Client> {
    const redis = await load();
    const client = creator(redis)({
      url,
      name,
      socket: { reconnectStrategy: false, connectTimeout: connectTimeoutMs },
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      // By default the client sets a timer of its own for every command.
      commandOptions: { timeout: 0 },
    });
    // Without a listener for 'error' the process would die of a lost connection.
    client.on('error', onLost);
    client.on('terminated', onLost);
    const opening = client.connect();
    // A server that accepts the connection and says nothing is not covered by the client's own timeout.
    await Promise.race([opening, pause(connectTimeoutMs, opening)]);
    if (!client.isReady) {
      opening.catch(() => undefined);
      client.destroy();
      throw new BrokerUnavailableError(`no answer within ${connectTimeoutMs} ms`);
    }
    return new Client(client, { [redis.RESP_TYPES.BLOB_STRING]: Buffer });
  }

  command(...args: RedisArgument[]): Promise<unknown> {
    return this.client.sendCommand(args);
  }

  /** Runs a script on the keys that begin with `prefix`. */
  run(script: Script, prefix: string, args: readonly RedisArgument[]): Promise<unknown> {
    return this.evaluate(script, prefix, args, {});
  }

  /** The same, with texts in the reply as bytes. */
  runForBytes(script: Script, prefix: string, args: readonly RedisArgument[]): Promise<unknown> {
    return this.evaluate(script, prefix, args, this.asBytes);
  }

  async subscribe(channel: string, listener: (payload: Buffer) => void): Promise<void> {
    await this.client.subscribe(channel, listener, true);
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.client.unsubscribe(channel);
  }

  destroy(): void {
    this.client.destroy();
  }

  private async evaluate(
    { sha, source }: Script,
    prefix: string,
    args: readonly RedisArgument[],
    typeMapping: TypeMapping,
  ): Promise<unknown> {
    try {
      return await this.client.sendCommand(['EVALSHA', sha, '1', prefix, ...args], { typeMapping });
    } catch (error) {
      // An operator flushed the scripts.
      if (!isReply(error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.client.sendCommand(['EVAL', source, '1', prefix, ...args], { typeMapping });
    }
  }
}
