import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { Injectable, Logger } from '@nestjs/common';
import { AgentSettings, AgentStops, SettingsError } from 'agentmq/agent';
import { WorkerStartError } from './errors.js';
import { Spawner, type StartedWorker } from './spawner.js';

/** How long a process may take to obey SIGTERM when no agent has come of it, in ms. */
const KILL_AFTER_MS = 5_000;

/**
 * Starts workers as processes of this machine, with this process's environment, but for `AGENT_ID` (each makes up its own)
 * and `HTTP_PORT` (any that is free). They write where this process writes, are in a session of their own, and outlive it:
 * whichever coordinator leads next finds them in the registry.
 */
@Injectable()
export class ChildProcessSpawner extends Spawner {
  private readonly logger = new Logger('Scaler');

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
    const [program = '', ...args] = commandOf(role, this.settings.scaling.command);
    const env: NodeJS.ProcessEnv = { ...process.env, HTTP_PORT: '0' };
    delete env['AGENT_ID'];
    // What npm has started ends with its parent; the workers outlive this process.
    delete env['npm_lifecycle_event'];
    // A session of its own: Ctrl-C, or whatever ends the coordinator's group, is not for the workers.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'], env });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        const lived = ((performance.now() - since) / 1_000).toFixed(1);
        // a launcher that ends well has an agent come later
        if (code !== 0) resolve(`a process ended with ${signal ?? `exit code ${code}`} after ${lived} s`);
      });
    });
    await created(child).catch((cause: unknown) => {
      throw new WorkerStartError(role, `${program} could not be run: ${String(cause)}`, { cause });
    });
    child.unref();
    this.logger.log(`${role}: process ${child.pid} started`);
    return { ended, end: () => end(child) };
  }

  async stop(agent: { readonly id: string; readonly instance: string }, reason: string): Promise<void> {
    await this.stops.ask(agent, reason);
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

/** Ends a process, and the processes that it has started in its session's first group; by force if they don't end. */
function end(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  timer.unref();
  child.once('exit', () => clearTimeout(timer));
}

function signalGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  // when it has ended, its number may be another's
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // it has just ended
  }
}
