import { randomBytes } from 'node:crypto';
import { type DynamicModule, type INestApplication, type INestApplicationContext } from '@nestjs/common';
import { MemoryHub } from 'agentmq/broker';
import { Store } from 'agentmq/message-store';
import { Sampler } from 'agentmq/messaging';
import { AgentLogger } from '../log/agent-logger.js';
import { AgentModule } from '../agent.module.js';
import type { AgentModuleOptions } from '../agent-options.js';
import { exitOnSecondSignal } from '../stop/exit-on-second-signal.js';
import { loadSettings } from '../settings/load-settings.js';
import type { AgentSettings } from '../settings/settings.js';
import { serveEmbeddedAgent, startEmbeddedAgent } from './start-agent.js';
import { stopWithNpm } from '../stop/stop-with-npm.js';
import { exportSpans } from '../tracing/span-export.js';

/** Stopping in the middle does not wait for a task that is under way. */
const SHUTDOWN_TIMEOUT_MS = 1_000;

/** On stderr, and only what is wrong: stdout is the report's. */
const logger = new AgentLogger({ format: 'text', logLevels: ['error', 'fatal'], stream: 'stderr' });

/** What an agent of a team is made of. */
export type TeamApp = DynamicModule | ((options: AgentModuleOptions) => DynamicModule);

/** Agents in this process, on one message bus and one store. */
export class Team {
  private readonly members: INestApplicationContext[] = [];
  private readonly hub: MemoryHub;
  /** Part of each agent's id, so that the ids of other runs differ. */
  private readonly suffix = randomBytes(3).toString('hex');
  private deafen = () => {};
  private interrupted = false;
  private endSpans = (): Promise<void> => Promise.resolve();

  private constructor(
    private readonly settings: AgentSettings,
    readonly store: Store,
    /** Rejects when the embedded database has ended for good: then nothing that the agents do comes to an end. */
    readonly broken: Promise<never>,
  ) {
    broken.catch(() => undefined);
    this.hub = new MemoryHub({ maxQueueSize: settings.bus.maxQueueSize });
  }

  /** In memory, on the embedded database, and with HTTP at any free port, unless the environment says otherwise. Throws `SettingsError`. */
  static settings(): AgentSettings {
    return loadSettings(undefined, {
      MESSAGE_BUS_TYPE: 'in_memory',
      DATABASE_URL: '',
      NAMESPACE: 'agentmq_run',
      MESSAGE_BUS_START: 'fail',
      HTTP_PORT: '0',
    });
  }

  /**
   * Opens the store, embedded in the directory unless the settings name a database. SIGINT and SIGTERM stop the team and end
   * the process with exit code 130.
   */
  static async open(settings: AgentSettings, dataDirectory = './.agentmq'): Promise<Team> {
    const { namespace, database } = settings;
    let onBroken: ((error: Error) => void) | undefined;
    const broken = new Promise<never>((_, reject) => (onBroken = reject));
    const store = database.url
      ? Store.connect({ namespace, ...database })
      : Store.embedded({ dataDirectory, namespace, ...(onBroken ? { onBroken } : {}) });
    const team = new Team(settings, store, broken);
    team.stopOnSignal();
    try {
      await store.database.migrate();
      if (!database.url) await deregisterAll(store);
      const source = { serviceName: 'agentmq', namespace, instanceId: `run-${team.suffix}` };
      team.endSpans = await exportSpans(source, new Sampler(settings.trace));
      return team;
    } catch (error) {
      await team.stop();
      throw error;
    }
  }

  /** Starts an agent. `AgentModule` is added to the app, unless it is a function that adds it. Resolves when its messages flow. */
  async add(name: string, app: TeamApp, own: Partial<AgentSettings> = {}): Promise<INestApplicationContext> {
    const member = await startEmbeddedAgent(this.moduleOf(name, app, own), logger);
    this.members.push(member);
    return member;
  }

  /** As `add`, with HTTP at `HTTP_PORT` of loopback, set up by `nest`. Its address is `getUrl()` of what this resolves with. */
  async serve<App extends INestApplication>(
    name: string,
    app: TeamApp,
    nest: (app: App) => void | Promise<void>,
  ): Promise<App> {
    const { port } = this.settings.http;
    const member = await serveEmbeddedAgent<App>(this.moduleOf(name, app), { port, logger, nest });
    this.members.push(member);
    return member;
  }

  private moduleOf(name: string, app: TeamApp, own: Partial<AgentSettings> = {}): DynamicModule {
    const settings: AgentSettings = {
      ...this.settings,
      ...own,
      agentId: this.idOf(name),
      ephemeral: true,
      shutdownTimeout: SHUTDOWN_TIMEOUT_MS,
    };
    const options: AgentModuleOptions = { settings, hub: this.hub, store: this.store };
    return typeof app === 'function'
      ? app(options)
      : { ...app, imports: [AgentModule.forRoot(options), ...(app.imports ?? [])] };
  }

  /** The id of the agent that was added under this name. */
  idOf(name: string): string {
    return `${name}-${this.suffix}`;
  }

  /** The name under which the agent with this id was added; the id itself, if it was not added here. */
  nameOf(id: string): string {
    return id.endsWith(`-${this.suffix}`) ? id.slice(0, -this.suffix.length - 1) : id;
  }

  /** A signal has told the team to stop: the process is about to end. */
  get isInterrupted(): boolean {
    return this.interrupted;
  }

  /** Stops the agents, the last started first; what they hold is finished. The store stays open. */
  async stopAgents(): Promise<void> {
    for (let member = this.members.pop(); member; member = this.members.pop()) await member.close();
  }

  async stop(): Promise<void> {
    await this.stopAgents();
    await this.endSpans();
    await this.store.database.close();
    if (!this.interrupted) this.deafen();
  }

  private stopOnSignal(): void {
    const interrupt = () => {
      if (this.interrupted) return;
      this.interrupted = true;
      process.stderr.write('stopping\n');
      void this.stop().finally(() => process.exit(130));
    };
    const forgetFirst = exitOnSecondSignal();
    const forgetParent = stopWithNpm();
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    this.deafen = () => {
      forgetFirst();
      forgetParent();
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    };
  }
}

/**
 * One process has the embedded database at a time: agents on record are those of a process that was killed. Were they taken for alive,
 * the new coordinator would have no majority, and lead nothing, for `REGISTRY_AGENT_TIMEOUT`.
 */
async function deregisterAll(store: Store): Promise<void> {
  const { agents } = await store.agents.read();
  for (const agent of agents) if (!agent.stopped) await store.agents.deregister(agent);
}
