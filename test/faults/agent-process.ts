import { AppProcess, until } from '../support/index.js';
import type { LoadOrder, LoadStatus } from './processes/load.js';
import type { HarmOrder } from './processes/sender.js';

const FOLDER = 'dist/programs/test';

/** A sender or a consumer in a process of its own, which can be started again as the same agent. */
export class AgentProcess {
  protected constructor(
    readonly id: string,
    private readonly script: string,
    private readonly env: Record<string, string>,
    protected app: AppProcess,
  ) {}

  /** Resolves when the process has been created. */
  protected static launch(script: string, env: Record<string, string>): Promise<AppProcess> {
    return AppProcess.start(`${FOLDER}/${script}.js`, env);
  }

  get running(): boolean {
    return this.app.running;
  }

  /** Resolves when the process has ended by itself. */
  async ended(timeoutMs = 60_000): Promise<void> {
    await until(`${this.id} to end`, () => !this.app.running, timeoutMs);
  }

  output(): string {
    return this.app.output();
  }

  ready(): Promise<void> {
    return this.app.ready(60_000);
  }

  /** Resolves when the process has ended. */
  kill(): Promise<unknown> {
    return this.app.kill('SIGKILL');
  }

  /** Stops it as an orchestrator does. Rejects unless it ends with exit code 0. */
  async stop(): Promise<void> {
    const { code, signal } = await this.app.kill('SIGTERM');
    if (code !== 0) throw new Error(`${this.id} ended with ${signal ?? code} after SIGTERM:\n${this.tail()}`);
  }

  pause(): void {
    this.app.pause();
  }

  resume(): void {
    this.app.resume();
  }

  /** Starts the process again, with changes to its environment, when it has ended; resolves when it is ready. */
  async restart(changes: Record<string, string> = {}): Promise<void> {
    await this.ended();
    this.app = await AgentProcess.launch(this.script, { ...this.env, ...changes });
    await this.ready();
  }

  protected async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.app.url}/${path}`, {
      method,
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      // fetch tells in its cause what failed
      const cause = error.cause instanceof Error ? error.cause.message : '';
      throw new Error(`${this.id} did not answer ${method} ${path}: ${error.message} ${cause}`, { cause: error });
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${this.id} answered ${method} ${path} with ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The status of its `/health`. */
  async health(): Promise<{ readonly status: string; readonly info: string }> {
    const response = await fetch(`${this.app.url}/health`, { signal: AbortSignal.timeout(20_000) });
    return { status: String(response.status), info: await response.text() };
  }

  private tail(): string {
    return this.output().slice(-4_000);
  }
}

/** A process that sends numbers. */
export class SenderProcess extends AgentProcess {
  private nextNumber: () => number = () => 0;

  /** Resolves when it is ready to send. `nextNumber` is the first number of each load. */
  static async start(id: string, env: Record<string, string>, nextNumber: () => number): Promise<SenderProcess> {
    const sender = new SenderProcess(id, 'sender', env, await AgentProcess.launch('sender', env));
    sender.nextNumber = nextNumber;
    await sender.ready();
    return sender;
  }

  /** Begins a load of so many messages; `rate` in messages per second, as fast as it goes unless given. */
  async begin(count: number, order: Partial<Omit<LoadOrder, 'count' | 'from'>> = {}): Promise<void> {
    const defaults = { rate: 0, sending: 128, kind: 'mixed', deadly: [], delayMs: 0 } as const;
    await this.ask('POST', 'load', { ...defaults, ...order, from: this.nextNumber(), count } satisfies LoadOrder);
  }

  /** Resolves when the load has been accepted. */
  async done(timeoutMs = 120_000): Promise<LoadStatus> {
    return until(
      `the load of ${this.id}`,
      async () => {
        const status = await this.status();
        return status.running ? undefined : status;
      },
      timeoutMs,
      25,
    );
  }

  /** Sends so many messages; resolves when they are accepted. */
  async send(count: number, order?: Parameters<SenderProcess['begin']>[1]): Promise<LoadStatus> {
    await this.begin(count, order);
    return this.done();
  }

  /** Ends the load before its time. */
  async finish(): Promise<LoadStatus> {
    await this.ask('DELETE', 'load');
    return this.done();
  }

  status(): Promise<LoadStatus> {
    return this.ask('GET', 'load');
  }

  /** Does harm beside the load; resolves with how many of its sends were taken. */
  async harm(what: HarmOrder['what'], count: number): Promise<number> {
    return this.ask('POST', 'harm', { what, count } satisfies HarmOrder);
  }
}

/** A process that handles numbers. */
export class ConsumerProcess extends AgentProcess {
  /** Resolves when messages flow; with `patient: false` as soon as the process has been created. */
  static async start(id: string, env: Record<string, string>, patient = true): Promise<ConsumerProcess> {
    const consumer = new ConsumerProcess(id, 'consumer', env, await AgentProcess.launch('consumer', env));
    if (patient) await consumer.ready();
    return consumer;
  }

  /** Handlers that begin from now on wait. */
  hold(): Promise<void> {
    return this.ask('PUT', 'gate');
  }

  /** They go on. */
  release(): Promise<void> {
    return this.ask('DELETE', 'gate');
  }
}

/** A process that lives beside the numbers. */
export class NeighbourProcess extends AgentProcess {
  /** Resolves when messages flow. */
  static async start(id: string, env: Record<string, string>): Promise<NeighbourProcess> {
    const neighbour = new NeighbourProcess(id, 'neighbour', env, await AgentProcess.launch('neighbour', env));
    await neighbour.ready();
    return neighbour;
  }

  leader(): Promise<{ readonly leader: string | null; readonly term: number }> {
    return this.ask('GET', 'leader');
  }

  /** Ids of its like that it would give work to. */
  able(): Promise<string[]> {
    return this.ask('GET', 'able');
  }

  /** How many agents it knows. */
  known(): Promise<number> {
    return this.ask('GET', 'known');
  }

  /** Whether `/health/ready` is 200. */
  async isReady(): Promise<boolean> {
    return (await fetch(`${this.app.url}/health/ready`, { signal: AbortSignal.timeout(20_000) })).ok;
  }
}
