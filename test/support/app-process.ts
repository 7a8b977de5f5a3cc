import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GuardedProcess, type Exit } from './guarded-process.js';
import { freePort } from './ports.js';
import { ThrowawayFolder } from './throwaway-folder.js';

export interface AppOptions {
  args?: string[];
  /** The working directory: default ours, which is the project's root. */
  cwd?: string;
}

/** An agent app in a process of its own, as it is deployed. It ends with the process that started it. */
export class AppProcess {
  /** Where the app serves HTTP. */
  readonly url: string;
  /** Resolves when the app has ended. */
  readonly exited: Promise<Exit>;
  private lastOutput: string | undefined;

  private constructor(
    readonly app: string,
    port: number,
    private readonly process: GuardedProcess,
    private readonly folder: ThrowawayFolder,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.exited = process.exited.then((exit) => {
      this.lastOutput = this.readOutput();
      folder.remove();
      return exit;
    });
  }

  /**
   * Starts `dist/programs/<app>.js` (or a script, when `app` is the path of one) with `env`, a free `HTTP_PORT`
   * unless it has one, and of our own environment only what finds programs and folders. Resolves when the process has
   * been created; see `ready`.
   */
  static async start(app: string, env: Record<string, string>, options: AppOptions = {}): Promise<AppProcess> {
    const script = resolve(/\.m?js$/.test(app) ? app : join('dist/programs', `${app}.js`));
    const port = env['HTTP_PORT'] === undefined ? await freePort() : Number(env['HTTP_PORT']);
    const folder = ThrowawayFolder.create('app');
    const child = await GuardedProcess.spawn(process.execPath, [script, ...(options.args ?? [])], {
      // the tests may run in a container, where an app would listen at all addresses, and want tokens
      env: { ...inherited(), HTTP_HOST: '127.0.0.1', ...env, HTTP_PORT: String(port) },
      logFile: folder.join('output.log'),
      folder: folder.path,
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    return new AppProcess(app, port, child, folder);
  }

  get pid(): number {
    return this.process.pid;
  }

  get running(): boolean {
    return this.process.running;
  }

  /** Everything that the app has written so far. */
  output(): string {
    return this.lastOutput ?? this.readOutput();
  }

  /** Resolves when `GET /health/ready` answers 200; rejects, with the end of the output, if the app ends or is late. */
  async ready(timeoutMs = 30_000): Promise<void> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const answer = await answerOf(`${this.url}/health/ready`);
      if (answer === '200') return;
      if (!this.process.running) {
        const { code, signal } = await this.exited;
        throw new Error(`${this.app} ended (${signal ?? `exit code ${code}`}) before it was ready:\n${this.tail()}`);
      }
      if (Date.now() > end)
        throw new Error(`${this.app} was not ready in ${timeoutMs} ms (${answer}):\n${this.tail()}`);
      await new Promise((proceed) => setTimeout(proceed, 50));
    }
  }

  /** Sends a signal, and resolves when the app has ended; may be called when it has. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    await this.process.end(signal);
    return this.exited;
  }

  /** Stops the process where it stands (SIGSTOP): its sockets stay open, nothing answers. */
  pause(): void {
    this.process.signal('SIGSTOP');
  }

  resume(): void {
    this.process.signal('SIGCONT');
  }

  private tail(): string {
    return this.output().slice(-4_000);
  }

  private readOutput(): string {
    return readFileSync(this.folder.join('output.log'), 'utf8');
  }
}

/** Resolves with the status of a GET, or with the reason why there is none. */
async function answerOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return String(response.status);
  } catch (error) {
    return error instanceof Error
      ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
      : String(error);
  }
}

function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
