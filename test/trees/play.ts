import { setImmediate as turn } from 'node:timers/promises';
import { Contract } from 'agentmq/protocol';
import type { Database } from 'agentmq/database';
import type { RunningTask, TaskOptions } from 'agentmq/coordination';
import { IsString } from 'class-validator';
import type { AgentProcess } from './process.js';
import { World } from './world.js';

@Contract({ type: 'piece' })
export class Piece {
  /** The way from the top, e.g. `0.2.1`. */
  @IsString()
  path!: string;
}

/** An attempt at a piece. */
export interface PieceAttempt {
  readonly path: string;
  readonly by: AgentProcess;
  readonly task: RunningTask;
}

export interface PieceRow {
  readonly path: string;
  readonly state: string;
  readonly agent: string | null;
  readonly failures: number;
  readonly result: unknown;
  readonly code: string | null;
}

const MOST_STEPS = 2_000;
export const role = { to: { role: 'node' } } as const;

/** A world in which what happens is told from beginning to end: who is held at which statement, and who goes on when. */
export class Play {
  readonly world: World;
  /** Which methods have begun, in order. */
  readonly attempts: PieceAttempt[] = [];

  constructor(
    private readonly database: Database,
    methods: Readonly<Record<string, (attempt: PieceAttempt) => Promise<unknown>>>,
  ) {
    const method = async (payload: unknown, task: RunningTask | undefined, by: AgentProcess): Promise<unknown> => {
      const { path } = payload as Piece;
      const work = methods[path];
      if (!work || !task) throw new Error(`there is no method for ${path}`);
      const attempt = { path, by, task };
      this.attempts.push(attempt);
      return work(attempt);
    };
    this.world = new World(database, (payload, { task }, by) => method(payload, task, by), 3);
  }

  /** Submits the piece at the top, and has it assigned. Resolves with its first agent. */
  async begin(options: Partial<TaskOptions> = {}): Promise<AgentProcess> {
    void this.world.client.tasks.submit(Piece, { path: '0' }, { ...role, ...options });
    await this.until('it is on record', async () => (await this.rows()).length === 1);
    await this.world.lead();
    return this.agentOf('0');
  }

  /** Takes steps, the oldest first, until that is so. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let steps = 0, idle = 0; !(await isSo()); steps++) {
      if (await this.world.step(0)) idle = 0;
      else await turn();
      if (idle++ > 10 || steps > MOST_STEPS)
        throw new Error(`does not come about: ${what}; there are ${JSON.stringify(await this.rows())}`);
    }
  }

  /** Lets one process go on until it has nothing to do; the others stand still. */
  async letGo(agent: AgentProcess): Promise<void> {
    this.world.resume();
    for (let idle = 0; idle < 10; idle++) {
      while (await this.world.step(0, agent)) idle = 0;
      await turn();
    }
  }

  /** Stops a process at its next change of the record, and has it given up: what it had goes to others. */
  async depose(agent: AgentProcess): Promise<void> {
    await this.until('it is about to write', () => this.world.isAboutToWrite(agent));
    this.world.pause(this.world.agents.indexOf(agent));
    await this.world.lead();
  }

  /** Goes on until everything is settled. */
  async finish(): Promise<void> {
    for (let turns = 0; (await this.rows()).some(({ state }) => state === 'assigned' || state === 'queued'); turns++) {
      if (turns > MOST_STEPS) throw new Error(`not settled: ${JSON.stringify(await this.rows())}`);
      if (!(await this.world.step(0))) await this.world.lead();
    }
  }

  hasBegun(path: string, times = 1): boolean {
    return this.attempts.filter((attempt) => attempt.path === path).length >= times;
  }

  async agentOf(path: string): Promise<AgentProcess> {
    const { agent } = await this.row(path);
    return this.world.agents.find(({ id }) => id === agent) as AgentProcess;
  }

  async row(path: string): Promise<PieceRow> {
    const row = (await this.rows()).find((each) => each.path === path);
    if (!row) throw new Error(`${path} is not on record`);
    return row;
  }

  rows(): Promise<PieceRow[]> {
    return this.database.query<PieceRow>(
      `SELECT payload::json ->> 'path' AS path, state, agent_id AS agent, failures, result::json, error ->> 'code' AS code
       FROM ${this.world.table} ORDER BY path, id`,
    );
  }

  async states(): Promise<Record<string, string>> {
    return Object.fromEntries((await this.rows()).map(({ path, state }) => [path, state]));
  }
}

/** What waits at it goes on when it is opened. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
