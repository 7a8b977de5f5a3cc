import { isatty } from 'node:tty';
import { randomBytes } from 'node:crypto';
import { type DynamicModule, type INestApplicationContext, type LogLevel } from '@nestjs/common';
import {
  AgentLogger,
  type AgentModuleOptions,
  type AgentSettings,
  exitOnSecondSignal,
  startEmbeddedAgent,
  stopWithNpm,
} from 'agentmq/agent';
import { MemoryHub } from 'agentmq/broker';
import { Store } from 'agentmq/message-store';

/** Stopping in the middle does not wait for a task that is under way. */
const SHUTDOWN_TIMEOUT_MS = 1_000;

/** On stderr, and only what is wrong: stdout is the report's. */
class ErrorLogger extends AgentLogger {
  protected override printMessages(messages: unknown[], context?: string, level?: LogLevel): void {
    super.printMessages(messages, context, level, 'stderr');
  }
}
const logger = new ErrorLogger({ logLevels: ['error', 'fatal'], colors: isatty(process.stderr.fd) });

/** Agents in this process, on one message bus and one store. */
export class Team {
  private readonly members: INestApplicationContext[] = [];
  private readonly hub: MemoryHub;
  /** Tells the agents' ids from those of other runs. */
  private readonly suffix = randomBytes(3).toString('hex');
  private deafen = () => {};
  private interrupted = false;

  private constructor(
    private readonly settings: AgentSettings,
    readonly store: Store,
    /** Rejects when the embedded database has ended for good: then nothing that the agents do comes to an end. */
    readonly broken: Promise<never>,
  ) {
    broken.catch(() => undefined);
    this.hub = new MemoryHub({ maxQueueSize: settings.bus.maxQueueSize });
  }

  /**
   * Opens the store, embedded in `./.agentmq` unless the settings name a database. SIGINT and SIGTERM stop the team and end the process with exit code 130.
   */
  static async open(settings: AgentSettings): Promise<Team> {
    const { namespace, database } = settings;
    let onBroken: ((error: Error) => void) | undefined;
    const broken = new Promise<never>((_, reject) => (onBroken = reject));
    const store = database.url
      ? Store.connect({ namespace, ...database })
      : Store.embedded({ dataDirectory: './.agentmq', namespace, ...(onBroken ? { onBroken } : {}) });
    const team = new Team(settings, store, broken);
    team.stopOnSignal();
    try {
      await store.database.migrate();
      return team;
    } catch (error) {
      await team.stop();
      throw error;
    }
  }

  /** Starts an agent. Resolves when its messages flow. */
  async add(
    name: string,
    module: (options: AgentModuleOptions) => DynamicModule,
    own: Partial<AgentSettings> = {},
  ): Promise<INestApplicationContext> {
    const settings: AgentSettings = {
      ...this.settings,
      ...own,
      agentId: this.idOf(name),
      ephemeral: true,
      shutdownTimeout: SHUTDOWN_TIMEOUT_MS,
    };
    const member = await startEmbeddedAgent(module({ settings, hub: this.hub, store: this.store }), logger);
    this.members.push(member);
    return member;
  }

  /** The agent id of the one that was added under this name. */
  idOf(name: string): string {
    return `${name}-${this.suffix}`;
  }

  /** The name under which the one with this agent id was added; of others, the id. */
  nameOf(id: string): string {
    return id.endsWith(`-${this.suffix}`) ? id.slice(0, -this.suffix.length - 1) : id;
  }

  /** Told by a signal to stop: the process is about to end. */
  get isInterrupted(): boolean {
    return this.interrupted;
  }

  /** Stops the agents, the last started first; what they hold is finished. The store stays open. */
  async stopAgents(): Promise<void> {
    for (let member = this.members.pop(); member; member = this.members.pop()) await member.close();
  }

  async stop(): Promise<void> {
    await this.stopAgents();
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
