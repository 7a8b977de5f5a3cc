import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** How a process ended: its exit code, or the signal that ended it. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface GuardedProcessOptions {
  env: Record<string, string>;
  /** Takes standard output and standard error; appended to. */
  logFile: string;
  cwd?: string;
  /** Run as this user; only root may ask for another. */
  user?: { uid: number; gid: number };
  /** What ends the process when ours is gone: default `SIGKILL`. Five seconds later it is killed anyway. */
  lastSignal?: 'SIGKILL' | 'SIGQUIT';
  /** Removed when our process is gone before this one. */
  folder?: string;
}

/**
 * Waits at the other end of a pipe. A line read means that the process has ended; the end of the pipe means that whoever
 * started it is gone, however it died (an exit hook does not run upon SIGKILL), so the process must go too.
 */
const GUARD = `
if read -r _; then exit 0; fi
kill -s "$2" -- -"$1"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
  kill -0 "$1" || break
  sleep 0.2
done
kill -s KILL -- -"$1"
[ -z "$3" ] || rm -rf -- "$3"
`;

/** A process in a group of its own, that ends when ours does, however ours ends. It does not keep ours running. */
export class GuardedProcess {
  /** Resolves when the process has ended; what remains of its group is killed then. */
  readonly exited: Promise<Exit>;
  private ended = false;

  private constructor(
    readonly pid: number,
    private readonly child: ChildProcess,
    guard: ChildProcess,
  ) {
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.ended = true;
        // what the process has left behind in its group
        ignoreGone(() => process.kill(-pid, 'SIGKILL'));
        guard.stdin?.end('ended\n');
        resolve({ code, signal });
      });
    });
  }

  /** Resolves when the process has been created; rejects when the command can't be run. */
  static async spawn(
    command: string,
    args: readonly string[],
    options: GuardedProcessOptions,
  ): Promise<GuardedProcess> {
    const log = openSync(options.logFile, 'a');
    try {
      const child = spawn(command, args, {
        cwd: options.cwd,
        env: options.env,
        detached: true,
        stdio: ['ignore', log, log],
        ...options.user,
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      const pid = child.pid;
      if (pid === undefined) throw new Error(`${command} was not started`);
      child.unref();
      return new GuardedProcess(pid, child, guard(pid, options));
    } finally {
      closeSync(log);
    }
  }

  get running(): boolean {
    return !this.ended;
  }

  /** Signals the process alone; does nothing when it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) ignoreGone(() => process.kill(this.pid, signal));
  }

  /** Signals the process, and resolves when it has ended; does so at once when it had. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.signal(signal);
    // our own process must not run out of things to do while it waits
    this.child.ref();
    return this.exited;
  }
}

function guard(pid: number, options: GuardedProcessOptions): ChildProcess {
  const signal = (options.lastSignal ?? 'SIGKILL').replace('SIG', '');
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', String(pid), signal, options.folder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  child.on('error', () => undefined);
  child.unref();
  const pipe = child.stdin as Writable & { unref?: () => void };
  pipe.on('error', () => undefined);
  pipe.unref?.();
  return child;
}

/** A process that ended a moment ago is no error when it was to be ended. */
function ignoreGone(signal: () => void): void {
  try {
    signal();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
