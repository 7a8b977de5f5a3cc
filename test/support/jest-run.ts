import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { BRIEF_WASM } from './brief-wasm.js';
import { ThrowawayFolder } from './throwaway-folder.js';

/** How many tests did what. A file that could not run at all counts as one failed test. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

interface JestResults {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numRuntimeErrorTestSuites: number;
}

/** One run of Jest over the ES modules of this project, in a process of its own. */
export class JestRun {
  private readonly folder = ThrowawayFolder.create('jest');
  private readonly child: ChildProcess;

  /** Starts Jest with further arguments and with `env` on top of our own environment. Its workers have Node's options too. */
  constructor(args: readonly string[], env: Record<string, string>) {
    const options = [process.env['NODE_OPTIONS'], '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const jest = resolve('node_modules/jest/bin/jest.js');
    this.child = spawn(process.execPath, [BRIEF_WASM, jest, '--json', `--outputFile=${this.resultsFile}`, ...args], {
      stdio: 'inherit',
      env: { ...process.env, NODE_OPTIONS: options.filter(Boolean).join(' '), ...env },
    });
  }

  /** Resolves, when Jest has ended, with its exit code and with its totals unless it did not get as far as tests. */
  async result(): Promise<{ code: number; totals: Totals | undefined }> {
    const code = await new Promise<number>((settle, reject) => {
      this.child.once('error', reject);
      this.child.once('exit', (status, signal) => settle(status ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
    const totals = this.totals();
    this.folder.remove();
    return { code, totals };
  }

  /** Passes a signal on to Jest. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  private get resultsFile(): string {
    return this.folder.join('results.json');
  }

  private totals(): Totals | undefined {
    try {
      const results = JSON.parse(readFileSync(this.resultsFile, 'utf8')) as JestResults;
      return {
        passed: results.numPassedTests,
        failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
        skipped: results.numPendingTests + results.numTodoTests,
      };
    } catch {
      return undefined;
    }
  }
}
