import { RedisClient } from '@redis/client';

/** As `createClient`, which defines the methods of all commands anew for each URL. */
export const createRedisClient = RedisClient.factory();

/** Sends one command; resolves with the reply. */
export type RedisCommand = (...command: string[]) => Promise<unknown>;

/**
 * Works on a connection of its own. A server that does not answer is an error after 5 s; that of a refused connection is
 * Node's.
 */
export async function withRedis<T>(url: string, work: (command: RedisCommand) => Promise<T>): Promise<T> {
  const client = createRedisClient({
    url,
    socket: { connectTimeout: 5_000, socketTimeout: 5_000, reconnectStrategy: false },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work((...command) => client.sendCommand(command));
  } finally {
    client.destroy();
  }
}

/** Runs one command on a connection of its own; resolves with the reply. */
export const redisCommand = (url: string, ...command: string[]): Promise<unknown> =>
  withRedis(url, (send) => send(...command));

/** Every key of a namespace. */
export async function redisKeys(send: RedisCommand, namespace: string): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, found] = (await send('SCAN', cursor, 'MATCH', `*{${namespace}}*`, 'COUNT', '1000')) as [
      string,
      string[],
    ];
    for (const key of found) keys.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...keys];
}
