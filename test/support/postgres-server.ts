import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresFolder } from './binaries.js';
import { GuardedProcess } from './guarded-process.js';
import { freePort } from './ports.js';
import { probePostgres } from './probes.js';
import { runningProcesses } from './processes.js';
import { otherUser, ThrowawayFolder, type User } from './throwaway-folder.js';
import { until } from './wait.js';

const run = promisify(execFile);

export interface PostgresServerOptions {
  /** Wait for the disk at every commit, as in production: default false, which is faster. */
  fsync?: boolean;
  /** Settings for the command line, e.g. `{ max_connections: '20' }`. */
  settings?: Record<string, string>;
  /** How long a start may take, in ms: default 60,000. */
  startTimeoutMs?: number;
}

/**
 * A Postgres server of the test's own, on a free port of 127.0.0.1, with the superuser `postgres` and no passwords. The
 * test may restart or kill it. It ends with the process that started it, however that ends.
 */
export class PostgresServer {
  readonly url: string;
  private server: GuardedProcess | undefined;

  private constructor(
    private readonly binaries: string,
    private readonly user: User | undefined,
    private readonly folder: ThrowawayFolder,
    private readonly port: number,
    private readonly options: PostgresServerOptions,
  ) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  }

  /** Resolves when the new, empty server accepts connections. */
  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const binaries = postgresFolder();
    if (binaries === undefined) throw new Error('Postgres is not installed: no initdb found');
    const user = otherUser('postgres');
    if (!user && process.getuid?.() === 0)
      throw new Error('Postgres will not run as root, and there is no user postgres');
    const server = new PostgresServer(
      binaries,
      user,
      ThrowawayFolder.create('postgres', user),
      await freePort(),
      options,
    );
    try {
      await server.initialise();
      await server.up();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Starts the server again, on the same port and with the data that it has; resolves when it accepts connections. */
  async up(): Promise<void> {
    if (this.server?.running) return;
    const end = Date.now() + (this.options.startTimeoutMs ?? 60_000);
    for (;;) {
      const server = await this.launch();
      const refusal = await this.answering(server, end);
      if (refusal === undefined) return;
      // what a killed server leaves behind may hold its shared memory for a moment longer
      if (server.running || Date.now() > end) throw new Error(`Postgres did not start (${refusal}):\n${this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Closes all connections, stops the server as an operator would, and starts it again with its data. */
  async restart(): Promise<void> {
    await this.server?.end('SIGINT');
    await this.up();
  }

  /** The server and its connections die at once, as in a crash: nothing is flushed, what was committed is recovered. */
  async kill(): Promise<void> {
    const server = this.server;
    if (!server?.running) return;
    // each has left the server's process group for a session of its own
    const backends = runningProcesses().filter(({ parent }) => parent === server.pid);
    await server.end('SIGKILL');
    for (const { pid } of backends) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has seen that the server is gone, and has gone too
      }
    }
    // while one of them lives, the port still takes connections
    const pids = new Set(backends.map(({ pid }) => pid));
    await until('the backends to be gone', () => !runningProcesses().some(({ pid }) => pids.has(pid)));
  }

  /** Ends the server and removes all of it; may be called twice. */
  async stop(): Promise<void> {
    // takes the shared memory along, which SIGKILL would leave behind
    await this.server?.end('SIGQUIT');
    this.folder.remove();
  }

  /** The end of what the server has logged. */
  log(): string {
    return readFileSync(this.folder.join('output.log'), 'utf8').slice(-4_000);
  }

  private async initialise(): Promise<void> {
    const args = [
      '-D',
      this.folder.join('data'),
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--no-locale',
      '--no-sync',
    ];
    await run(join(this.binaries, 'initdb'), args, { cwd: this.folder.path, env: this.environment(), ...this.ids() });
  }

  private async launch(): Promise<GuardedProcess> {
    const lasting = this.options.fsync ? 'on' : 'off';
    const settings: Record<string, string> = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      // a file in the data folder, so that nothing stays in /dev/shm after a crash
      dynamic_shared_memory_type: 'mmap',
      fsync: lasting,
      full_page_writes: lasting,
      synchronous_commit: lasting,
      max_connections: '200',
      ...this.options.settings,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = await GuardedProcess.spawn(
      join(this.binaries, 'postgres'),
      ['-D', this.folder.join('data'), ...options],
      {
        env: this.environment(),
        cwd: this.folder.path,
        logFile: this.folder.join('output.log'),
        lastSignal: 'SIGQUIT',
        folder: this.folder.path,
        ...(this.user && { user: { uid: this.user.uid, gid: this.user.gid } }),
      },
    );
    this.server = server;
    this.folder.noteServer(server.pid);
    return server;
  }

  /** Resolves with undefined once the server answers, or with why not when it has ended or the time is over. */
  private async answering(server: GuardedProcess, end: number): Promise<string | undefined> {
    for (;;) {
      const refusal = await probePostgres(this.url);
      if (refusal === undefined || !server.running || Date.now() > end) return refusal;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  private ids(): { uid?: number; gid?: number } {
    return this.user ? { uid: this.user.uid, gid: this.user.gid } : {};
  }

  private environment(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C', TZ: 'UTC', HOME: this.folder.path };
  }
}
