import { writeFileSync } from 'node:fs';
import { commandPath } from './binaries.js';
import { GuardedProcess } from './guarded-process.js';
import { freePort } from './ports.js';
import { probeRedis } from './probes.js';
import type { RedisServer } from './redis-server.js';
import { ThrowawayFolder } from './throwaway-folder.js';
import { until } from './wait.js';

/** A Sentinel of the test's own that watches one server, and makes a replica of it the server half a second after its end. */
export class RedisSentinel {
  private constructor(
    readonly url: string,
    private readonly process: GuardedProcess,
    private readonly folder: ThrowawayFolder,
  ) {}

  /** Resolves when it answers. */
  static async watch(name: string, { port: watched }: RedisServer): Promise<RedisSentinel> {
    const binary = commandPath('redis-server');
    if (binary === undefined) throw new Error('Redis is not installed: no redis-server found');
    const folder = ThrowawayFolder.create('sentinel');
    const port = await freePort();
    const lines = [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${folder.path}`,
      'set-proc-title no',
      `sentinel monitor ${name} 127.0.0.1 ${watched} 1`,
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 2000`,
    ];
    writeFileSync(folder.join('sentinel.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
    const sentinel = await GuardedProcess.spawn(binary, [folder.join('sentinel.conf'), '--sentinel'], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8' },
      cwd: folder.path,
      logFile: folder.join('output.log'),
      folder: folder.path,
    });
    folder.noteServer(sentinel.pid);
    const url = `redis://127.0.0.1:${port}`;
    await until('the Sentinel to answer', async () => (await probeRedis(url)) === undefined);
    return new RedisSentinel(url, sentinel, folder);
  }

  async stop(): Promise<void> {
    await this.process.end('SIGKILL');
    this.folder.remove();
  }
}
