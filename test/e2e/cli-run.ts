import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { BRIEF_WASM } from '../support/index.js';

export interface CliExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `agentmq`, as a person calls it: in a folder, with arguments, its two streams apart. */
export class CliRun {
  /** Resolves when the process has ended. */
  readonly exit: Promise<CliExit>;
  stdout = '';
  stderr = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exit = new Promise((settle, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => settle({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Starts it with `env`, and of our own environment only what finds programs and folders. */
  static start(folder: string, args: readonly string[], env: Record<string, string> = {}): CliRun {
    const { PATH = '', HOME = '' } = process.env;
    const main = resolve('dist/programs/cli.js');
    const child = spawn(process.execPath, [BRIEF_WASM, main, ...args], {
      cwd: folder,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new CliRun(child);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
