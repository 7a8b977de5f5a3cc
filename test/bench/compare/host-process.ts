import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface HostOptions {
  readonly contender: string;
  readonly namespace: string;
  readonly ends: 'both' | 'sender' | 'receiver';
  readonly prefetch: number;
  readonly concurrency: number;
  /** How long a handler waits for each message; 0: it only counts. */
  readonly handlerMs: number;
  /** On top of the environment of the bench. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Order {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The answer to an order; or how many messages have been handled since the last such report. */
export type HostReport =
  { readonly id: number; readonly result?: unknown; readonly error?: string } | { readonly handled: number };

/** In ms, from when a message was due to be sent until its handler began. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly count: number;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const HOST = fileURLToPath(new URL('host.js', import.meta.url));
const READY = 0;

/** A process that has one or both ends of a contender. It ends with ours. */
export class HostProcess {
  /** Messages handled here; told by a receiver that is alone. */
  onHandled: (count: number) => void = () => undefined;
  private readonly waiting = new Map<number, Waiting>();
  private orders = READY;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    child.on('message', (report) => this.take(report as HostReport));
    child.on('exit', (code, signal) => {
      const error = new Error(`the process of ${name} ended (${signal ?? `exit code ${code}`})`);
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
  }

  /** Resolves when its ends are ready. */
  static async start(options: HostOptions): Promise<HostProcess> {
    const env = { ...process.env, ...options.env };
    const child = fork(HOST, [JSON.stringify(options)], { execArgv: ['--expose-gc'], env });
    const host = new HostProcess(`${options.contender} (${options.ends})`, child);
    await host.answer(READY);
    return host;
  }

  call<Result>(name: string, ...args: unknown[]): Promise<Result> {
    const id = ++this.orders;
    if (!this.child.connected) return Promise.reject(new Error(`the process of ${this.name} has ended`));
    this.child.send({ id, name, args } satisfies Order);
    return this.answer(id) as Promise<Result>;
  }

  /** Does not wait for an answer. */
  tell(name: string, ...args: unknown[]): void {
    void this.call(name, ...args).catch(() => undefined);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private answer(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  private take(report: HostReport): void {
    if ('handled' in report) return this.onHandled(report.handled);
    const waiting = this.waiting.get(report.id);
    this.waiting.delete(report.id);
    if (report.error === undefined) waiting?.resolve(report.result);
    else waiting?.reject(new Error(`${this.name}: ${report.error}`));
  }
}
