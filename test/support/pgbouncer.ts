import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { canInstallPackages, installPackage } from './apt.js';
import { commandPath } from './binaries.js';
import { GuardedProcess } from './guarded-process.js';
import { freePort } from './ports.js';
import { probePostgres } from './probes.js';
import { otherUser, ThrowawayFolder } from './throwaway-folder.js';
import { until } from './wait.js';

/** Where Debian has it, which is on the search path of root alone. */
const DEBIAN = '/usr/sbin/pgbouncer';

const binary = (): string | undefined => commandPath('pgbouncer') ?? (existsSync(DEBIAN) ? DEBIAN : undefined);

/** A PgBouncer of the test's own, in transaction mode, before a Postgres. It ends with the process that started it. */
export class PgBouncer {
  private constructor(
    /** The Postgres' URL, leading through it. */
    readonly url: string,
    private readonly process: GuardedProcess,
    private readonly folder: ThrowawayFolder,
  ) {}

  /** Resolves when it answers. Installs it where that may be done, else rejects with what to do. */
  static async start(databaseUrl: string, poolSize = 4): Promise<PgBouncer> {
    if (!binary() && canInstallPackages()) await installPackage('pgbouncer');
    const command = binary();
    if (command === undefined) {
      throw new Error('PgBouncer is not installed: apt-get install -y pgbouncer, or brew install pgbouncer');
    }
    // it refuses to run as root
    const user = otherUser('postgres') ?? otherUser('nobody');
    const folder = ThrowawayFolder.create('pgbouncer', user);
    const port = await freePort();
    writeFileSync(folder.join('pgbouncer.ini'), configuration(new URL(databaseUrl), port, poolSize));
    const logFile = folder.join('output.log');
    const server = await GuardedProcess.spawn(command, [folder.join('pgbouncer.ini')], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      cwd: folder.path,
      logFile,
      folder: folder.path,
      ...(user && { user: { uid: user.uid, gid: user.gid } }),
    });
    folder.noteServer(server.pid);
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String(port);
    const bouncer = new PgBouncer(url.href, server, folder);
    try {
      await until('PgBouncer to answer', async () => {
        if (!server.running) throw new Error(`PgBouncer has ended:\n${readFileSync(logFile, 'utf8')}`);
        return (await probePostgres(url.href)) === undefined;
      });
      return bouncer;
    } catch (error) {
      await bouncer.stop();
      throw error;
    }
  }

  /** Ends it and removes all of it. */
  async stop(): Promise<void> {
    await this.process.end('SIGINT');
    this.folder.remove();
  }
}

const configuration = ({ hostname, port, username, password }: URL, listenPort: number, poolSize: number): string => `
[databases]
* = host=${hostname} port=${port || 5432} user=${username}${password && ` password=${password}`}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
`;
