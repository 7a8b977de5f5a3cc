import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { Injectable, Logger } from '@nestjs/common';
import { AgentSettings, SettingsError } from 'agentmq/agent';
import { AgentStops } from './agent-stops.js';
import { WorkerStartError } from './errors.js';
import { Spawner, type StartedWorker } from './spawner.js';

/** How long nothing is started after the first process that ended at once, in ms; doubled with each that follows, up to the longest. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Who is ended has so long to do it. */
const KILL_AFTER_MS = 5_000;

/** Processes of a role that have ended at once, one after the other. */
interface Failures {
  readonly inARow: number;
  /** When the last one did, and until when no other is started, by `performance.now()`. */
  readonly at: number;
  readonly until: number;
}

/**
 * Starts workers as processes of this machine, with this process's environment, but for `AGENT_ID` (each makes up its own)
 * and `HTTP_PORT` (any that is free). They write where this process writes, are in a session of their own, and outlive it:
 * whichever coordinator leads next finds them in the registry.
 */
@Injectable()
export class ChildProcessSpawner extends Spawner {
  private readonly logger = new Logger('Scaler');
  private readonly failures = new Map<string, Failures>();

  /** Throws `SettingsError` for roles of which it is not known how to start an agent. */
  constructor(
    private readonly settings: AgentSettings,
    private readonly stops: AgentStops,
  ) {
    super();
    const { command, roles } = settings.scaling;
    const unknown = roles.filter(({ role }) => command === '' && programOf(role) === undefined);
    const problems = unknown.map(
      ({ role }) =>
        `SCALING: there is no app "${role}" in this installation; SCALING_COMMAND says what else is to be run`,
    );
    if (problems.length > 0) throw new SettingsError(problems);
  }

  /** Rejects with {@link WorkerStartError}. */
  async start(role: string): Promise<StartedWorker> {
    const since = performance.now();
    const failed = this.failures.get(role);
    if (failed && since < failed.until) {
      const seconds = ((failed.until - since) / 1_000).toFixed(1);
      throw new WorkerStartError(role, `the last ${failed.inARow} ended at once; the next is started in ${seconds} s`);
    }
    const [program = '', ...args] = commandOf(role, this.settings.scaling.command);
    const env: NodeJS.ProcessEnv = { ...process.env, HTTP_PORT: '0' };
    delete env['AGENT_ID'];
    // A session of its own: Ctrl-C, or whatever ends the coordinator's group, is not for the workers.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'], env });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        this.noteEnd(role, since, code, signal);
        // a launcher may end well before what it has started is there
        if (code !== 0) resolve();
      });
    });
    await created(child).catch((cause: unknown) => {
      this.noteFailure(role, since, `${program} could not be run: ${String(cause)}`);
      throw new WorkerStartError(role, `${program} could not be run`, { cause });
    });
    child.unref();
    this.logger.log(`${role}: process ${child.pid} started`);
    return { ended, end: () => this.end(role, since, child) };
  }

  async stop(agent: { readonly id: string; readonly instance: string }, reason: string): Promise<void> {
    this.stops.ask(agent, reason);
  }

  private end(role: string, since: number, child: ChildProcess): void {
    const seconds = this.settings.scaling.startTimeout / 1_000;
    this.noteFailure(role, since, `process ${child.pid} started, but no agent registered within ${seconds} s`);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
    child.once('exit', () => clearTimeout(kill));
  }

  private noteEnd(role: string, since: number, code: number | null, signal: NodeJS.Signals | null): void {
    const lived = performance.now() - since;
    const how = signal ?? `exit code ${code}`;
    if (code === 0) return;
    if (lived < this.settings.scaling.startTimeout)
      this.noteFailure(role, since, `a process ended with ${how} after ${(lived / 1_000).toFixed(1)} s`);
    else {
      this.failures.delete(role);
      this.logger.warn(`${role}: a process ended with ${how}`);
    }
  }

  private noteFailure(role: string, since: number, what: string): void {
    const last = this.failures.get(role);
    // several that were started together are one failure
    if (last && since < last.at) return this.logger.debug(`${role}: ${what}`);
    const inARow = (last?.inARow ?? 0) + 1;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (inARow - 1));
    const at = performance.now();
    this.failures.set(role, { inARow, at, until: at + wait });
    this.logger.error(`${role}: ${what}; no other is started for ${wait / 1_000} s (${inARow} in a row)`);
  }
}

/** The app of this installation that has the role's name, if there is one. */
function programOf(role: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`agentmq/programs/${role}`);
  } catch {
    return undefined;
  }
}

/** The words of the command with the role in its place, or this Node with the role's app. */
function commandOf(role: string, command: string): string[] {
  const words = command.split(/\s+/).filter(Boolean);
  if (words.length > 0) return words.map((word) => word.replaceAll('{role}', role));
  // the port that a debugger listens at is taken
  const options = process.execArgv.filter((option) => !option.startsWith('--inspect'));
  return [process.execPath, ...options, programOf(role) ?? role];
}

async function created(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}
