import {
  type Abstract,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Logger,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { Broker, MemoryBroker, MemoryHub, RabbitMqBroker, RedisBroker } from 'agentmq/broker';
import { Database, DataSourceError } from 'agentmq/database';
import {
  AgentStore,
  DeliveryStore,
  HistoryStore,
  HopStore,
  OutboxStore,
  PauseStore,
  ReplayStore,
  RetentionStore,
  Store,
  SubscriptionStore,
  UnhandledStore,
} from 'agentmq/message-store';
import { Access, refusalOf } from 'agentmq/http';
import { KeyRing, MessageBus, Sampler, Sealer, SealingKeys } from 'agentmq/messaging';
import { within } from 'agentmq/time';
import { Health, HealthProbes, loadOpenTelemetry, Metrics, RepeatedLog, TelemetryEndpoints } from 'agentmq/telemetry';
import { AgentClient } from './agent-client.js';
import { AGENT_OPTIONS, type AgentModuleOptions, ConfigurableAgentModule } from './agent-options.js';
import { AgentServer } from './agent-server.js';
import { checkDeclarations } from './start/check-declarations.js';
import { AgentPauses } from './pauses/agent-pauses.js';
import { AgentStops } from './stop/agent-stops.js';
import { AgentIdentity } from './identity.js';
import { MessagePipeline } from './pipeline/message-pipeline.js';
import { BrokerMetrics } from './broker-metrics.js';
import { NamespaceMetrics } from './namespace-metrics.js';
import { AgentProbes } from './probes.js';
import { AgentRegistry } from './registry/agent-registry.js';
import { longestReconnect, registryTimes } from './registry/times.js';
import { SelfStop } from './stop/self-stop.js';
import { settingsFor } from './settings/load-settings.js';
import { AgentSettings, OFF } from './settings/settings.js';
import { Startup } from './start/startup.js';
import { StopStore } from './stop/stop-store.js';
import { Vitals } from './vitals.js';
import { ProcessSpans } from './tracing/process-spans.js';
import { Tracer } from './tracing/tracer.js';

const part = <Part extends keyof Store>(provide: Abstract<Store[Part]>, name: Part): FactoryProvider => ({
  provide,
  useFactory: (store: Store) => store[name],
  inject: [Store],
});

/** Each part of the store under its class, for constructors that use that part alone. */
const storeParts = [
  part(Database, 'database'),
  part(OutboxStore, 'outbox'),
  part(DeliveryStore, 'deliveries'),
  part(UnhandledStore, 'unhandled'),
  part(SubscriptionStore, 'subscriptions'),
  part(HistoryStore, 'history'),
  part(ReplayStore, 'replays'),
  part(RetentionStore, 'retention'),
  part(HopStore, 'hops'),
  part(AgentStore, 'agents'),
  part(PauseStore, 'pauses'),
];

/** Makes a Nest app an agent: import it once, declare `@Agent` controllers, start with `startAgent`. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [
    { provide: AgentSettings, useFactory: settingsFor, inject: [AGENT_OPTIONS] },
    {
      provide: AgentIdentity,
      useFactory: (modules: ModulesContainer, settings: AgentSettings) => AgentIdentity.of(modules, settings),
      inject: [ModulesContainer, AgentSettings],
    },
    {
      provide: Broker,
      useFactory: (settings: AgentSettings, identity: AgentIdentity, { hub }: AgentModuleOptions) =>
        createBroker(settings, identity, hub),
      inject: [AgentSettings, AgentIdentity, AGENT_OPTIONS],
    },
    {
      provide: Store,
      useFactory: createStore,
      inject: [AgentSettings, AGENT_OPTIONS],
    },
    ...storeParts,
    Metrics,
    { provide: Sampler, useFactory: ({ trace }: AgentSettings) => new Sampler(trace), inject: [AgentSettings] },
    {
      provide: SealingKeys,
      useFactory: ({ sealing }: AgentSettings, { sealingKeys }: AgentModuleOptions) =>
        sealingKeys ?? new KeyRing(sealing),
      inject: [AgentSettings, AGENT_OPTIONS],
    },
    {
      provide: Sealer,
      useFactory: (keys: SealingKeys, { sealing }: AgentSettings) => new Sealer(keys, sealing.mode),
      inject: [SealingKeys, AgentSettings],
    },
    {
      provide: MessageBus,
      useFactory: createBus,
      inject: [AgentSettings, AgentIdentity, Broker, Store, Metrics, Sealer, Sampler],
    },
    AgentRegistry,
    Startup,
    AgentClient,
    Tracer,
    ProcessSpans,
    MessagePipeline,
    Vitals,
    AgentPauses,
    AgentServer,
    SelfStop,
    StopStore,
    AgentStops,
    NamespaceMetrics,
    BrokerMetrics,
    { provide: HealthProbes, useClass: AgentProbes },
    Health,
    TelemetryEndpoints,
    { provide: Access, useFactory: ({ access }: AgentSettings) => new Access(access), inject: [AgentSettings] },
  ],
  exports: [
    Access,
    AgentSettings,
    AgentIdentity,
    AgentClient,
    AgentRegistry,
    AgentServer,
    Startup,
    SelfStop,
    AgentStops,
    AgentPauses,
    Store,
    ...storeParts,
    MessageBus,
    Sealer,
    Sampler,
    Tracer,
    Metrics,
    NamespaceMetrics,
    HealthProbes,
    Health,
  ],
})
export class AgentModule
  extends ConfigurableAgentModule
  implements NestModule, OnApplicationBootstrap, OnApplicationShutdown
{
  private readonly logger = new Logger('AgentMQ');
  private startWatch: NodeJS.Timeout | undefined;

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly modules: ModulesContainer,
    private readonly server: AgentServer,
    private readonly database: Database,
    @Inject(AGENT_OPTIONS) private readonly options: AgentModuleOptions,
    private readonly telemetry: TelemetryEndpoints,
    private readonly access: Access,
    private readonly spans: ProcessSpans,
  ) {
    super();
  }

  static override forRoot(options: AgentModuleOptions = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** Nest calls it in an app with HTTP. */
  configure(): Promise<void> {
    const { healthPath, metricsPath } = this.settings.http;
    return this.telemetry.mount({
      health: healthPath === OFF ? undefined : healthPath,
      metrics: metricsPath === OFF ? undefined : metricsPath,
      refusal: (request) => refusalOf(this.access.admit(request, 'viewer')),
    });
  }

  /**
   * A client needs no microservice: it connects here. The app goes on without servers that are away, unless it is to fail then;
   * senders wait.
   */
  async onApplicationBootstrap(): Promise<void> {
    checkDeclarations(this.modules, AgentModule);
    const { start } = this.settings;
    if (!this.identity.isClient) return this.watchStart();
    const connected = this.server.connect();
    if (start === 'fail') return connected;
    connected.catch((error: unknown) => {
      if (!this.server.isClosing) this.logger.error(error);
    });
    if (start === 'wait') await within(CONNECT_WITHIN_MS, connected);
  }

  /** An app that forgot to start it would send, and get nothing. */
  private watchStart(): void {
    this.startWatch = setTimeout(() => {
      if (this.server.hasBegun || this.server.isClosing) return;
      const roles = this.identity.roles.join(', ');
      this.logger.warn(
        `this app has an @Agent (${roles}), but gets no messages: connectAgent(app) and app.startAllMicroservices() were not called`,
      );
    }, START_WITHIN_MS).unref();
  }

  /** After everything that might still send, or write to the database. */
  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.startWatch);
    await this.server.close();
    await this.spans.stop();
    // A handler that hangs in a transaction must not hold up the end of the process.
    if (!this.options.store) await within(CLOSE_TIMEOUT_MS, this.database.close());
  }
}

const RELAY_POLL_MS = 1_000;
const MAX_PUBLISHING = 5_000;
const MAX_PUBLISHING_BYTES = 64 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;
/** An app that starts its microservices does so by then, after Nest's bootstrap. */
const START_WITHIN_MS = 10_000;
/** Servers that are there are reached by then. */
const CONNECT_WITHIN_MS = 2_000;

function createBroker(
  { namespace, bus, start, ephemeral, registry, messaging }: AgentSettings,
  { id }: AgentIdentity,
  hub?: MemoryHub,
): Broker {
  const { type, urls, sentinelMaster, queueType, maxQueueSize, maxMessageBytes } = bus;
  if (type === 'in_memory') return new MemoryBroker(hub ?? new MemoryHub({ maxQueueSize }), { maxMessageBytes });
  const logger = new Logger(type === 'redis' ? 'Redis' : 'RabbitMQ');
  const log = new RepeatedLog(logger);
  const options = {
    url: urls,
    namespace,
    maxQueueSize,
    maxMessageBytes,
    start: start === 'fail' ? 'fail' : 'wait',
    ...(ephemeral ? { agentInboxExpiresMs: registryTimes(registry).endedAfter } : {}),
    connectionName: id,
    reconnectMaxMs: longestReconnect(registry),
    report: (problem: Error) => log.warn('connection', problem),
    remark: (remark: string) => logger.warn(remark),
    mendIntervalMs: messaging.replayIntervalMs,
  } as const;
  if (type === 'rabbitmq') return new RabbitMqBroker({ ...options, queueType });
  return new RedisBroker({ ...options, ...(sentinelMaster === '' ? {} : { masterName: sentinelMaster }) });
}

function createStore({ namespace, database }: AgentSettings, options: AgentModuleOptions): Store {
  const { store, dataSource, currentTransaction } = options;
  if (!store) return Store.connect({ namespace, ...database, dataSource, currentTransaction });
  if (dataSource ?? currentTransaction)
    throw new DataSourceError('and currentTransaction are for Store.connect, where a store is given');
  return store;
}

async function createBus(
  settings: AgentSettings,
  identity: AgentIdentity,
  broker: Broker,
  store: Store,
  metrics: Metrics,
  sealer: Sealer,
  sampler: Sampler,
): Promise<MessageBus> {
  // before anything can be sent
  await loadOpenTelemetry();
  return new MessageBus(broker, store, metrics, {
    ...settings.messaging,
    agentId: identity.id,
    maxMessageBytes: settings.bus.maxMessageBytes,
    retry: settings.retry,
    liveMs: registryTimes(settings.registry).suspectAfter,
    sealer,
    sampler,
    relayPollMs: RELAY_POLL_MS,
    maxPublishing: MAX_PUBLISHING,
    maxPublishingBytes: MAX_PUBLISHING_BYTES,
  });
}
