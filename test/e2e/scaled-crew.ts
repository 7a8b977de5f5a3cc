import { resolve } from 'node:path';
import type { RoleScale } from 'agentmq/coordination';
import { randomNamespace, until } from '../support/index.js';
import { runningProcesses } from '../support/processes.js';
import { Piece } from './apps/crew-contracts.js';
import { Crew, QUICK } from './crew.js';
import { ask } from './deployment.js';

const BOUND = 'dist/programs/test/bound.js';
const WORKER = 'dist/programs/test/crew.js';
const START_MS = 60_000;

export interface ScaledCrewOptions {
  readonly max: number;
  /** What each worker does at once. */
  readonly concurrency: number;
  readonly targetBacklog: number;
  /** In s. */
  readonly coolDown: number;
}

/** Coordinators that start and stop workers in processes of their own, from one to the most. */
export class ScaledCrew {
  readonly crew: Crew;
  /** By which its workers are known among all processes. */
  private readonly mark = randomNamespace('workers');

  constructor({ max, concurrency, targetBacklog, coolDown }: ScaledCrewOptions) {
    const worker = [
      process.execPath,
      resolve(BOUND),
      process.pid,
      resolve(WORKER),
      'worker',
      1,
      concurrency,
      this.mark,
    ];
    this.crew = new Crew({
      ...QUICK,
      SCALING: `worker:1-${max}`,
      SCALING_TARGET_BACKLOG: String(targetBacklog),
      SCALING_COOL_DOWN: String(coolDown),
      SCALING_INTERVAL: '0.2',
      SCALING_COMMAND: worker.join(' '),
    });
  }

  /** Starts a coordinator. Resolves when its messages flow. */
  async coordinate(id: string): Promise<void> {
    await this.crew.system.start('coordinator', id, this.crew.env);
    await this.crew.system.app(id).ready(START_MS);
  }

  /** Resolves with their ids when so many pieces of work are committed, each of so many ms. */
  async submit(count: number, msOf: (n: number) => number): Promise<string[]> {
    const pieces = Array.from({ length: count }, (_, n) => ({ n, ms: msOf(n) }));
    return this.crew.tasks.submitAll(Piece, pieces, { to: { role: 'worker' } });
  }

  /** What a coordinator tells of the workers. */
  async scale(coordinator: string): Promise<RoleScale> {
    const { status, body } = await ask(this.crew.system.app(coordinator), '/scaling/worker');
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body as unknown as RoleScale;
  }

  /** Resolves when a coordinator sees so many workers. */
  async workersAre(coordinator: string, count: number, timeoutMs = START_MS): Promise<void> {
    const seen = async () => (await this.scale(coordinator)).workers === count;
    await until(`${count} workers`, seen, timeoutMs, 50);
  }

  /** The processes of the workers, those included that are still to be or have just been agents. */
  processes(): number[] {
    return runningProcesses().flatMap(({ pid, args }) => (args.includes(this.mark) ? [pid] : []));
  }

  /** Kills what still runs, and leaves nothing behind. */
  async close(): Promise<void> {
    // no coordinator is to start another meanwhile
    await this.crew.system.stop();
    for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
    await until('the workers to have ended', () => this.processes().length === 0);
    await this.crew.close();
  }
}
