import { ConsoleLogger, type DynamicModule, type INestApplicationContext, type LogLevel } from '@nestjs/common';
import { type AgentModuleOptions, type AgentSettings, startEmbeddedAgent } from 'agentmq/agent';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { SpecialistModule } from 'agentmq/apps/specialist';
import { WorkerModule } from 'agentmq/apps/worker';
import { MemoryHub } from 'agentmq/broker';
import { PostgresMessageStore, type TraceSummary } from 'agentmq/message-store';
import { ConsoleAgent, type ProgressListener } from './console.agent.js';
import { ConsoleModule } from './console.module.js';

const SPECIALISTS = 2;
/** Stopping in the middle does not wait for a task that is under way. */
const SHUTDOWN_TIMEOUT_MS = 1_000;

/** On stderr, and only what is wrong: stdout is the report's. */
class ErrorLogger extends ConsoleLogger {
  protected override printMessages(messages: unknown[], context?: string, level?: LogLevel): void {
    super.printMessages(messages, context, level, 'stderr');
  }
}
const logger = new ErrorLogger({ logLevels: ['error', 'fatal'], colors: process.stderr.isTTY });

export interface TeamOptions {
  readonly settings: AgentSettings;
  /** Tells the agents' ids from those of other runs. */
  readonly suffix: string;
  readonly workers: number;
  /** The file that the coordinator may read. */
  readonly file: string;
  readonly listener: ProgressListener;
}

/** A whole system of agents in this process: a coordinator, specialists, a monitor, workers and the console. */
export class Team {
  private readonly members: INestApplicationContext[] = [];

  private constructor(
    private readonly settings: AgentSettings,
    private readonly store: PostgresMessageStore,
    private readonly hub: MemoryHub,
    private readonly suffix: string,
  ) {}

  /** Resolves when all of them have registered. */
  static async start({ settings, suffix, workers, file, listener }: TeamOptions): Promise<Team> {
    const { databaseUrl: url, namespace, bus } = settings;
    const store = url
      ? PostgresMessageStore.connect({ url, namespace })
      : PostgresMessageStore.embedded({ dataDirectory: './.agentmq', namespace });
    const team = new Team(settings, store, new MemoryHub({ maxQueueSize: bus.maxQueueSize }), suffix);
    try {
      await store.migrate();
      await team.add('monitor', (options) => MonitorModule.forRoot(options));
      for (let n = 1; n <= SPECIALISTS; n++)
        await team.add(`specialist-${n}`, (options) => SpecialistModule.forRoot(options));
      for (let n = 1; n <= workers; n++) await team.add(`worker-${n}`, (options) => WorkerModule.forRoot(options));
      await team.add('coordinator', (options) => CoordinatorModule.forRoot({ ...options, allowedFile: file }));
      await team.add('console', (options) => ConsoleModule.forRoot(options, listener));
      return team;
    } catch (error) {
      await team.stop();
      throw error;
    }
  }

  get console(): ConsoleAgent {
    const last = this.members.at(-1);
    if (!last) throw new Error('the team has not started');
    return last.get(ConsoleAgent);
  }

  get coordinatorId(): string {
    return this.idOf('coordinator');
  }

  /** What the flow of a task came to: its messages, and those completed. */
  async sumUp(taskId: string): Promise<TraceSummary> {
    const task = await this.store.find(taskId);
    if (!task) throw new Error(`task ${taskId} is not in the store`);
    return this.store.trace(task.message);
  }

  /** Stops the agents, the last started first; what they hold is finished. The store stays open. */
  async stopAgents(): Promise<void> {
    for (let member = this.members.pop(); member; member = this.members.pop()) await member.close();
  }

  async stop(): Promise<void> {
    await this.stopAgents();
    await this.store.close();
  }

  private async add(name: string, module: (options: AgentModuleOptions) => DynamicModule): Promise<void> {
    const settings: AgentSettings = {
      ...this.settings,
      agentId: this.idOf(name),
      ephemeral: true,
      shutdownTimeout: SHUTDOWN_TIMEOUT_MS,
    };
    this.members.push(await startEmbeddedAgent(module({ settings, hub: this.hub, store: this.store }), logger));
  }

  private idOf(name: string): string {
    return `${name}-${this.suffix}`;
  }
}
