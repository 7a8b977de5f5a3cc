import {
  type Abstract,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Logger,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { Broker, MemoryBroker, MemoryHub, RabbitMqBroker, RedisBroker } from 'agentmq/broker';
import { Database } from 'agentmq/database';
import {
  AgentStore,
  DeliveryStore,
  HistoryStore,
  HopStore,
  OutboxStore,
  ReplayStore,
  RetentionStore,
  Store,
  SubscriptionStore,
  UnhandledStore,
} from 'agentmq/message-store';
import { KeyRing, MessageBus, Sampler, Sealer, SealingKeys } from 'agentmq/messaging';
import { within } from 'agentmq/time';
import { Health, HealthProbes, Metrics, RepeatedLog, TelemetryEndpoints } from 'agentmq/telemetry';
import { AgentClient } from './agent-client.js';
import { AgentServer } from './agent-server.js';
import { AgentIdentity } from './identity.js';
import { MessagePipeline } from './pipeline/message-pipeline.js';
import { NamespaceMetrics } from './namespace-metrics.js';
import { AgentProbes } from './probes.js';
import { AgentRegistry } from './registry/agent-registry.js';
import { longestReconnect, registryTimes } from './registry/times.js';
import { SelfStop } from './self-stop.js';
import { loadSettings } from './settings/load-settings.js';
import { AgentSettings } from './settings/settings.js';
import { Startup } from './startup.js';
import { Vitals } from './vitals.js';
import { Tracer } from './tracer.js';

export interface AgentModuleOptions {
  /** The environment's, unless given. */
  readonly settings?: AgentSettings;
  /** Agents in one process share a memory bus by sharing its hub. */
  readonly hub?: MemoryHub;
  /** A store that the app opened itself, for several agents, and closes itself. */
  readonly store?: Store;
  /** In place of the settings' keys: those of a key management service. */
  readonly sealingKeys?: SealingKeys;
}

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
];

const OWNS_STORE = Symbol('agentmq:owns-store');

/** Makes a Nest app an agent: import it once, declare `@Agent` controllers, start with `startAgent`. */
@Module({})
export class AgentModule implements NestModule, OnApplicationShutdown {
  constructor(
    private readonly database: Database,
    @Inject(OWNS_STORE) private readonly ownsStore: boolean,
    private readonly telemetry: TelemetryEndpoints,
  ) {}

  configure(consumer: MiddlewareConsumer): void {
    this.telemetry.configure(consumer);
  }

  /** After everything that might still write to it. */
  async onApplicationShutdown(): Promise<void> {
    // A handler that hangs in a transaction must not hold up the end of the process.
    if (this.ownsStore) await within(CLOSE_TIMEOUT_MS, this.database.close());
  }

  static forRoot(options: AgentModuleOptions = {}): DynamicModule {
    return {
      module: AgentModule,
      global: true,
      imports: [TerminusModule.forRoot({ logger: false })],
      providers: [
        { provide: AgentSettings, useFactory: () => options.settings ?? loadSettings() },
        {
          provide: AgentIdentity,
          useFactory: (modules: ModulesContainer, settings: AgentSettings) => AgentIdentity.of(modules, settings),
          inject: [ModulesContainer, AgentSettings],
        },
        {
          provide: Broker,
          useFactory: (settings: AgentSettings, identity: AgentIdentity) =>
            createBroker(settings, identity, options.hub),
          inject: [AgentSettings, AgentIdentity],
        },
        {
          provide: Store,
          useFactory: (settings: AgentSettings) => options.store ?? createStore(settings),
          inject: [AgentSettings],
        },
        ...storeParts,
        { provide: OWNS_STORE, useValue: options.store === undefined },
        Metrics,
        { provide: Sampler, useFactory: ({ trace }: AgentSettings) => new Sampler(trace), inject: [AgentSettings] },
        {
          provide: SealingKeys,
          useFactory: ({ sealing }: AgentSettings) => options.sealingKeys ?? new KeyRing(sealing),
          inject: [AgentSettings],
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
        MessagePipeline,
        Vitals,
        AgentServer,
        SelfStop,
        NamespaceMetrics,
        { provide: HealthProbes, useClass: AgentProbes },
        Health,
        TelemetryEndpoints,
      ],
      exports: [
        AgentSettings,
        AgentIdentity,
        AgentClient,
        AgentRegistry,
        AgentServer,
        SelfStop,
        Store,
        ...storeParts,
        MessageBus,
        Sealer,
        Sampler,
        Tracer,
        { provide: OWNS_STORE, useValue: options.store === undefined },
        Metrics,
        NamespaceMetrics,
        HealthProbes,
      ],
    };
  }
}

const RELAY_POLL_MS = 1_000;
const MAX_PUBLISHING = 5_000;
const MAX_PUBLISHING_BYTES = 64 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;

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

const createStore = ({ namespace, database }: AgentSettings): Store => Store.connect({ namespace, ...database });

const createBus = (
  settings: AgentSettings,
  identity: AgentIdentity,
  broker: Broker,
  store: Store,
  metrics: Metrics,
  sealer: Sealer,
  sampler: Sampler,
): MessageBus =>
  new MessageBus(broker, store, metrics, {
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
