import { afterEach, describe, expect, it } from '@jest/globals';
import { probeRedis } from './probes.js';
import { redisCommand } from './redis-command.js';
import { RedisServer } from './redis-server.js';

describe('RedisServer', () => {
  let server: RedisServer | undefined;

  afterEach(() => server?.stop());

  it('keeps what it acknowledged when it is killed or restarted, and loses it when it is wiped', async () => {
    const { url } = (server = await RedisServer.start());
    await redisCommand(url, 'SET', 'kept', '1');
    await server.kill();
    expect(await probeRedis(url)).toContain('ECONNREFUSED');
    await server.up();
    expect(await redisCommand(url, 'GET', 'kept')).toBe('1');
    await server.restart();
    expect(await redisCommand(url, 'GET', 'kept')).toBe('1');
    await server.wipe();
    await server.up();
    expect(await redisCommand(url, 'GET', 'kept')).toBeNull();
  }, 30_000);

  it('asks for its password, and refuses writes while it has too little memory', async () => {
    server = await RedisServer.start({ password: 'a "b" c' });
    expect(await probeRedis(`redis://127.0.0.1:${server.port}`)).toContain('NOAUTH');
    await server.exhaustMemory();
    await expect(server.command('SET', 'key', 'x')).rejects.toThrow('OOM');
    await server.relieveMemory();
    await expect(server.command('SET', 'key', 'x')).resolves.toBe('OK');
  }, 30_000);
});
