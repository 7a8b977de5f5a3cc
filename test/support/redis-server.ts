import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { commandPath } from './binaries.js';
import { GuardedProcess } from './guarded-process.js';
import { freePort, untilFree } from './ports.js';
import { probeRedis } from './probes.js';
import { redisCommand } from './redis-command.js';
import { ThrowawayFolder } from './throwaway-folder.js';

export interface RedisServerOptions {
  /** The password of the default user; by default none is asked for. */
  password?: string;
  /** Memory in MB above which what needs more is refused; 0, the default, is no limit. */
  maxMemoryMb?: number;
  /** Further lines for redis.conf, e.g. `maxclients 20`. */
  config?: string[];
  /** How long a start may take once the port is free, in ms: default 20,000. */
  startTimeoutMs?: number;
}

/** A client that was given the port for a connection holds it for another 60 s after the end of that (TIME_WAIT). */
const PORT_WAIT_MS = 75_000;

/**
 * A Redis server of the test's own, on a free port of 127.0.0.1. What it has acknowledged survives SIGKILL (an
 * append-only file), though not the loss of power. The test may restart, kill or wipe it. It ends with the process that
 * started it, however that ends.
 */
export class RedisServer {
  readonly url: string;
  private server: GuardedProcess | undefined;

  private constructor(
    private readonly binary: string,
    private readonly folder: ThrowawayFolder,
    readonly port: number,
    private readonly options: RedisServerOptions,
  ) {
    const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
    this.url = `redis://${login}127.0.0.1:${port}`;
  }

  /** Resolves when the new, empty server accepts connections. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const binary = commandPath('redis-server');
    if (binary === undefined) throw new Error('Redis is not installed: no redis-server found');
    const server = new RedisServer(binary, ThrowawayFolder.create('redis'), await freePort(), options);
    try {
      server.writeConfig();
      await server.up();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Starts the server again, on the same port and with the data that it has; resolves when it accepts connections. */
  async up(): Promise<void> {
    if (this.running) return;
    await untilFree([this.port], PORT_WAIT_MS);
    const server = await this.launch();
    const refusal = await this.answering(server, Date.now() + (this.options.startTimeoutMs ?? 20_000));
    if (refusal !== undefined) throw new Error(`Redis did not start (${refusal}):\n${this.log()}`);
  }

  /** Stops the server as an operator would, and starts it again with its data; clients see their connections closed. */
  async restart(): Promise<void> {
    await this.down();
    await this.up();
  }

  /** Stops the server as an operator would; its data stays. */
  async down(): Promise<void> {
    await this.server?.end('SIGTERM');
  }

  /** Where the server keeps its data. */
  get dataFolder(): string {
    return this.folder.join('data');
  }

  /** SIGKILL: nothing is written, closed or said any more. Its data stays. */
  async kill(): Promise<void> {
    await this.server?.end('SIGKILL');
  }

  /** Kills the server if it is running, and deletes all that it had stored: `up()` starts an empty one. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.folder.join('data'), { recursive: true, force: true, maxRetries: 5 });
  }

  /** The server stands still: connections stay open, nothing is answered. `resume` lets it go on. */
  pause(): void {
    this.server?.signal('SIGSTOP');
  }

  resume(): void {
    this.server?.signal('SIGCONT');
  }

  /** Runs one command on a connection of its own; resolves with the reply. */
  command(...command: string[]): Promise<unknown> {
    return redisCommand(this.url, ...command);
  }

  /** From now on what needs memory is refused (`OOM`), as it is when `maxmemory` is reached. */
  async exhaustMemory(): Promise<void> {
    await this.command('CONFIG', 'SET', 'maxmemory', '1');
  }

  /** The limit is that of the options again. */
  async relieveMemory(): Promise<void> {
    await this.command('CONFIG', 'SET', 'maxmemory', `${this.options.maxMemoryMb ?? 0}mb`);
  }

  get running(): boolean {
    return this.server?.running ?? false;
  }

  /** Ends the server and removes all of it; may be called twice. */
  async stop(): Promise<void> {
    await this.kill();
    this.folder.remove();
  }

  /** The end of what the server has logged. */
  log(): string {
    const file = this.folder.join('output.log');
    return existsSync(file) ? readFileSync(file, 'utf8').slice(-4_000) : '';
  }

  private async launch(): Promise<GuardedProcess> {
    mkdirSync(this.folder.join('data'), { recursive: true });
    const server = await GuardedProcess.spawn(this.binary, [this.folder.join('redis.conf')], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8' },
      cwd: this.folder.path,
      logFile: this.folder.join('output.log'),
      folder: this.folder.path,
    });
    this.server = server;
    this.folder.noteServer(server.pid);
    return server;
  }

  /** Resolves with undefined once the server answers, or with why not when it has ended or the time is over. */
  private async answering(server: GuardedProcess, end: number): Promise<string | undefined> {
    for (;;) {
      const refusal = await probeRedis(this.url);
      if (refusal === undefined || !server.running || Date.now() > end) return refusal;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  private writeConfig(): void {
    const { password, maxMemoryMb = 0, config = [] } = this.options;
    const lines = [
      'bind 127.0.0.1',
      `port ${this.port}`,
      `dir ${this.folder.join('data')}`,
      // removeLeftovers finds the server by the folder in its arguments, which Redis would write over
      'set-proc-title no',
      'save ""',
      'appendonly yes',
      // every write is in the file before it is acknowledged; with `everysec` a busy disk may hold it back for up to 2 s
      'appendfsync no',
      `maxmemory ${maxMemoryMb}mb`,
      'maxmemory-policy noeviction',
      ...(password === undefined ? [] : [`requirepass "${password.replace(/["\\]/g, '\\$&')}"`]),
      ...config,
    ];
    writeFileSync(this.folder.join('redis.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
  }
}
