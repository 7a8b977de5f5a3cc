import 'reflect-metadata';
import type { DynamicModule, INestApplicationContext, Provider, Type } from '@nestjs/common';
import { AgentIdentity, AgentModule, type AgentSettings, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { BrokerSettings, MemoryHub } from 'agentmq/broker';
import { Store } from 'agentmq/message-store';
import pg from 'pg';
import {
  amqpUrl,
  busOf,
  databaseUrl as givenDatabaseUrl,
  randomNamespace,
  redisUrl,
  testBus,
} from '../support/index.js';

export interface TestAgent {
  readonly id: string;
  readonly controllers: Type[];
  readonly providers?: Provider[];
  readonly imports?: (Type | DynamicModule)[];
  /** Where this agent finds the broker, if not where the others do. */
  readonly urls?: readonly string[];
  /** Where this agent finds the database, if not where the others do: it then has a store of its own. */
  readonly databaseUrl?: string;
  /** The app's own database and transactions, by what Nest injects: it then has a store of its own. */
  readonly database?: Pick<Parameters<typeof AgentModule.forRootAsync>[0], 'inject' | 'useFactory'>;
  /** The keys that this agent has, if not those of the others. */
  readonly sealing?: AgentSettings['sealing'];
}

/** Agents of one test, in a namespace of their own, over real servers: the bus of the tests unless another is given. `close` stops them and leaves nothing behind. */
export class TestSystem {
  readonly namespace = randomNamespace('it');
  readonly settings: AgentSettings;
  readonly store: Store;
  readonly hub = new MemoryHub({ maxQueueSize: 10_000 });
  private readonly agents: INestApplicationContext[] = [];
  private readonly owners = new Set<string>();

  constructor(variables: Record<string, string> = {}) {
    this.settings = loadSettings({
      NAMESPACE: this.namespace,
      MESSAGE_BUS_TYPE: testBus.name,
      AMQP_URL: amqpUrl(),
      REDIS_URL: redisUrl(),
      DATABASE_URL: givenDatabaseUrl(),
      MESSAGE_BUS_START: 'fail',
      SHUTDOWN_TIMEOUT: '5',
      ...variables,
    });
    this.store = Store.connect({ url: this.settings.database.url, namespace: this.namespace });
  }

  /** Resolves when the agent's messages flow. */
  async start({
    id,
    controllers,
    providers = [],
    imports = [],
    urls,
    databaseUrl,
    database,
    sealing = this.settings.sealing,
  }: TestAgent): Promise<INestApplicationContext> {
    class TestModule {}
    const bus = Object.assign(new BrokerSettings(), this.settings.bus, urls ? { amqpUrls: urls, redisUrls: urls } : {});
    const settings = {
      ...this.settings,
      agentId: id,
      bus,
      sealing,
      database: { ...this.settings.database, url: databaseUrl ?? this.settings.database.url },
    };
    const store = databaseUrl === undefined && !database ? { store: this.store } : {};
    const options = { settings, hub: this.hub, ...store };
    const module: DynamicModule = {
      module: TestModule,
      imports: [
        database
          ? AgentModule.forRootAsync({
              ...database,
              useFactory: async (...injected) => ({ ...options, ...(await database.useFactory?.(...injected)) }),
            })
          : AgentModule.forRoot(options),
        ...imports,
      ],
      controllers,
      providers,
    };
    const agent = await startEmbeddedAgent(module);
    this.agents.push(agent);
    this.owners.add(`agent.${id}`);
    for (const role of agent.get(AgentIdentity).roles) this.owners.add(`role.${role}`);
    return agent;
  }

  async close(): Promise<void> {
    for (const agent of this.agents.reverse()) await agent.close();
    await this.store.database.close();
    const client = new pg.Client({ connectionString: this.settings.database.url });
    await client.connect();
    await client.query(`DROP SCHEMA IF EXISTS ${this.namespace} CASCADE`);
    await client.end();
    const { type, urls } = this.settings.bus;
    // where no broker listens, nothing was declared
    if (type !== 'in_memory')
      await busOf(type)
        .clear(urls[0] ?? '', this.namespace, [...this.owners])
        .catch(() => undefined);
  }
}
