import { readFileSync, writeFileSync } from 'node:fs';
import { canInstallPackages, installPackage } from './apt.js';
import { commandPath } from './binaries.js';
import { GuardedProcess } from './guarded-process.js';
import { freePort } from './ports.js';
import { ThrowawayFolder } from './throwaway-folder.js';
import { until } from './wait.js';

/** A series as a query answers it. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** The path of `prometheus`, or of `promtool`, which comes with it; installed where that is ours to do. Throws when there is none. */
export async function prometheusCommand(name: 'prometheus' | 'promtool'): Promise<string> {
  if (commandPath(name) === undefined && canInstallPackages()) await installPackage('prometheus');
  const path = commandPath(name);
  if (path === undefined) throw new Error(`the tests need ${name}, and there is none: install the package prometheus`);
  return path;
}

/** A Prometheus of the test's own, on a free port of 127.0.0.1. It ends with the process that started it. */
export class PrometheusServer {
  private constructor(
    private readonly server: GuardedProcess,
    private readonly folder: ThrowawayFolder,
    private readonly url: string,
  ) {}

  /** Starts it with this configuration, and rule files beside it; resolves when it is ready. */
  static async start(config: string, rules: Readonly<Record<string, string>>): Promise<PrometheusServer> {
    const binary = await prometheusCommand('prometheus');
    const folder = ThrowawayFolder.create('prometheus');
    const port = await freePort();
    writeFileSync(folder.join('prometheus.yml'), config);
    for (const [name, text] of Object.entries(rules)) writeFileSync(folder.join(name), text);
    const args = [
      `--config.file=${folder.join('prometheus.yml')}`,
      `--storage.tsdb.path=${folder.join('data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const server = await GuardedProcess.spawn(binary, args, {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      cwd: folder.path,
      logFile: folder.join('output.log'),
      folder: folder.path,
    });
    folder.noteServer(server.pid);
    const started = new PrometheusServer(server, folder, `http://127.0.0.1:${port}`);
    try {
      await until('Prometheus to be ready', () => started.isReady(), 30_000);
      return started;
    } catch (error) {
      const log = readFileSync(folder.join('output.log'), 'utf8').slice(-4_000);
      await started.stop();
      throw new Error(`Prometheus did not start:\n${log}`, { cause: error });
    }
  }

  /** What an expression comes to now. Rejects with what is wrong with it. */
  async query(expression: string): Promise<readonly Series[]> {
    const response = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data, error } = (await response.json()) as { data?: { result: Series[] }; error?: string };
    if (!data) throw new Error(`${expression}: ${error}`);
    return data.result;
  }

  async stop(): Promise<void> {
    await this.server.end('SIGKILL');
    this.folder.remove();
  }

  private async isReady(): Promise<boolean> {
    if (!this.server.running) throw new Error('it has ended');
    return fetch(`${this.url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
