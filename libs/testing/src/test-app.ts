import type {
  DynamicModule,
  ForwardReference,
  INestApplication,
  INestApplicationContext,
  LoggerService,
  LogLevel,
  Type,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { TestingModule } from '@nestjs/testing';
import { AGENT_OPTIONS, AgentIdentity, AgentLogger, AgentModule, AgentServer, MessagePipeline } from 'agentmq/agent';
import { Broker, type MemoryHub } from 'agentmq/broker';
import { Database, type MemoryDatabase } from 'agentmq/database';
import { Store } from 'agentmq/message-store';
import { optionalPackage } from 'agentmq/protocol';
import { DataSource } from 'typeorm';
import { DatabaseSwitch } from './database-switch.js';
import { TestSystemError } from './errors.js';
import type { Journal } from './journal.js';
import { ObservedBroker } from './observed-broker.js';
import { ObservedPipeline } from './observed-pipeline.js';
import type { TestAppOptions, TestHttpOptions, TestSystemOptions } from './options.js';
import { dataSourceModule, testDataSource } from './test-data-source.js';
import { TEST_NAMESPACE, testSettings } from './test-settings.js';
import { UnderWay } from './under-way.js';

/** What the apps of one system share. */
export interface World {
  readonly hub: MemoryHub;
  readonly database: MemoryDatabase;
  readonly journal: Journal;
  readonly logger: TestSystemOptions['logger'];
  readonly settings: TestSystemOptions['settings'];
  /** Each publication is delivered twice. */
  readonly duplicates: boolean;
  /** The database is away for all apps. */
  databaseIsAway: boolean;
}

/** A running app of a {@link TestSystem}: one agent. */
export class TestApp {
  private crashed = false;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly app: INestApplicationContext,
    private readonly broker: ObservedBroker,
    private readonly work: UnderWay,
    private readonly cut: () => void,
    private readonly web: INestApplication | undefined,
  ) {}

  /** Resolves when its messages flow. Rejects with what prevents the start. */
  static async start(world: World, options: TestAppOptions): Promise<TestApp> {
    const settings = testSettings(options.id, world.settings, options.settings);
    const work = new UnderWay();
    let isCut = false;
    const way = new DatabaseSwitch(world.database, () => isCut || world.databaseIsAway);
    const { currentTransaction, ...agentmq } = options.agentmq ?? {};
    const dataSource = options.dataSource && (await testDataSource(options.dataSource, way));
    const store = Store.over(Database.over(way, TEST_NAMESPACE, { dataSource, currentTransaction }));
    const { maxMessageBytes } = settings.bus;
    const broker = new ObservedBroker(world.hub, { maxMessageBytes }, world.journal, work, world.duplicates ? 2 : 1);
    const builder = await moduleOf(options, dataSource);
    const logger = loggerOf(world.logger);
    builder
      .setLogger(logger)
      .overrideProvider(AGENT_OPTIONS)
      .useValue({ ...agentmq, settings, hub: world.hub, store })
      .overrideProvider(Broker)
      .useValue(broker)
      .overrideProvider(MessagePipeline)
      .useFactory({
        factory: (modules: ModulesContainer) =>
          new ObservedPipeline(modules, world.journal, () => module.get(AgentIdentity, { strict: false }).id),
        inject: [ModulesContainer],
      });
    if (dataSource) builder.overrideProvider(DataSource).useValue(dataSource);
    options.override?.(builder);
    const module = await builder.compile();
    const strategy = module.get(AgentServer, { strict: false });
    const web = options.http && (await webApp(module, options.http, logger));
    const app = web?.connectMicroservice({ strategy }) ?? module.createNestMicroservice({ strategy, logger });
    const started = new TestApp(web ?? app, broker, work, () => (isCut = true), web);
    try {
      await web?.listen(0, '127.0.0.1');
      await app.listen();
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  get id(): string {
    return this.get(AgentIdentity).id;
  }

  /**
   * Nest's app, of one that was given `http`: `getHttpServer()` for supertest, `getUrl()` for `fetch`. Throws {@link TestSystemError}
   * for others.
   */
  get http(): INestApplication {
    if (!this.web) throw new TestSystemError(`${this.id} serves no HTTP: give it http: {}`);
    return this.web;
  }

  /** The app is stopped, or is gone. */
  get isOver(): boolean {
    return this.closing !== undefined;
  }

  /** A provider of the app, wherever it is declared. Throws as Nest does when there is none. */
  get<T>(token: Type<T> | (abstract new (...given: never[]) => T) | string | symbol): T {
    return this.app.get<T>(token, { strict: false });
  }

  /** Whether there is such a provider in the app. */
  has(token: Type | string | symbol): boolean {
    try {
      this.get(token);
      return true;
    } catch {
      return false;
    }
  }

  /** Stops gracefully: what it is handling is finished or given back, and it leaves the registry. */
  stop(): Promise<void> {
    this.closing ??= this.app.close();
    return this.closing;
  }

  /**
   * Ends as the death of its process would: from now on nothing of it reaches the bus or the database. What it was handling is
   * redelivered; to the others it is there until they miss its heartbeats.
   */
  crash(): void {
    if (this.isOver) throw new TestSystemError(`${this.id} is over already`);
    this.crashed = true;
    this.cut();
    this.broker.crash();
    this.closing = this.app.close().catch(() => undefined);
  }

  /** A line for each thing that it is doing, or that waits in an inbox that it reads. */
  underWay(): string[] {
    if (this.crashed) return [];
    const doing = this.work.list();
    if (this.isOver) return doing;
    return [...doing, ...this.broker.waiting()];
  }
}

async function moduleOf(
  { imports = [], controllers = [], providers = [] }: TestAppOptions,
  dataSource: DataSource | undefined,
) {
  const { Test } = await optionalPackage('@nestjs/testing', 'agentmq/testing', () => import('@nestjs/testing'));
  const own = (await bringsAgentMQ(imports)) ? [] : [AgentModule.forRoot()];
  if (dataSource) own.push(dataSourceModule(dataSource));
  return Test.createTestingModule({ imports: [...own, ...imports], controllers, providers });
}

async function webApp(
  module: TestingModule,
  { adapter, nest }: TestHttpOptions,
  logger: LoggerService,
): Promise<INestApplication> {
  const app = adapter ? module.createNestApplication(adapter, { logger }) : module.createNestApplication({ logger });
  await nest?.(app);
  return app;
}

type Imported = NonNullable<TestAppOptions['imports']>[number] | undefined;

/** Whether one of the modules, or a module below it, imports `AgentModule`. */
async function bringsAgentMQ(imports: readonly Imported[], seen = new Set<unknown>()): Promise<boolean> {
  for (const given of imports) {
    const imported = await given;
    const module = isForward(imported) ? (imported.forwardRef() as Type | DynamicModule) : imported;
    if (!module || seen.has(module)) continue;
    seen.add(module);
    const type = 'module' in module ? module.module : module;
    if (type === AgentModule) return true;
    const declared = (Reflect.getMetadata('imports', type) ?? []) as Imported[];
    const more = 'module' in module ? (module.imports ?? []) : [];
    if (await bringsAgentMQ([...declared, ...more], seen)) return true;
  }
  return false;
}

const isForward = (module: Awaited<Imported>): module is ForwardReference =>
  typeof module === 'object' && 'forwardRef' in module;

function loggerOf(given: TestSystemOptions['logger']): LoggerService {
  if (given && !Array.isArray(given)) return given;
  const logLevels: LogLevel[] = given === false ? [] : (given ?? ['error', 'fatal']);
  return new AgentLogger({ logLevels });
}
