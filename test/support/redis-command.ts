import { createClient } from '@redis/client';

/**
 * Runs one command on a connection of its own; resolves with the reply. A server that does not answer is an error after
 * 5 s; that of a refused connection is Node's.
 */
export async function redisCommand(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({
    url,
    socket: { connectTimeout: 5_000, socketTimeout: 5_000, reconnectStrategy: false },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
