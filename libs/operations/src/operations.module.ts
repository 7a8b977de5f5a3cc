import { type DynamicModule, Module } from '@nestjs/common';
import { AgentIdentity, AgentSettings, PAUSES_TOPIC, PAUSES_TTL_MS, PausesChanged, registryTimes } from 'agentmq/agent';
import { Database } from 'agentmq/database';
import { Store } from 'agentmq/message-store';
import { MessageBus } from 'agentmq/messaging';
import { ContractCatalogue, type PayloadClass } from 'agentmq/protocol';
import { Audit } from './audit/audit.js';
import { Contracts } from './contracts/contracts.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { knownContracts } from './known-contracts.js';
import { Explainer } from './messages/explain/explainer.js';
import { Messages } from './messages/messages.js';
import { Pauses } from './pauses/pauses.js';
import { BulkChanges } from './replay/bulk-changes.js';
import { ReplayJobs } from './replay/replay-jobs.js';
import { Subscriptions } from './subscriptions/subscriptions.js';
import { systemViews } from './system/providers.js';

export interface OperationsOptions {
  /** Contracts of the app's own: by them edited payloads of dead letters are checked, and sensitive ones in clear not shown. */
  readonly contracts?: readonly PayloadClass[];
}

/** What operators ask of the messages of a namespace, and do to them, as providers. `AgentModule` has to be imported beside it. */
@Module({})
export class OperationsModule {
  static forRoot({ contracts }: OperationsOptions = {}): DynamicModule {
    return {
      module: OperationsModule,
      providers: [
        { provide: ContractCatalogue, useValue: knownContracts(contracts) },
        { provide: Audit, useFactory: (database: Database) => new Audit(database), inject: [Database] },
        {
          provide: BulkChanges,
          useFactory: (store: Store, audit: Audit, { messaging: { outboxLimit } }: AgentSettings) =>
            new BulkChanges(store, audit, { outboxLimit }),
          inject: [Store, Audit, AgentSettings],
        },
        {
          provide: DeadLetters,
          useFactory: (
            store: Store,
            audit: Audit,
            { id }: AgentIdentity,
            { bus }: AgentSettings,
            contracts: ContractCatalogue,
          ) => new DeadLetters(store, audit, { sender: id, maxMessageBytes: bus.maxMessageBytes, contracts }),
          inject: [Store, Audit, AgentIdentity, AgentSettings, ContractCatalogue],
        },
        {
          provide: Subscriptions,
          useFactory: (store: Store, audit: Audit) => new Subscriptions(store, audit),
          inject: [Store, Audit],
        },
        {
          provide: Messages,
          useFactory: (store: Store, contracts: ContractCatalogue) => new Messages(store, contracts),
          inject: [Store, ContractCatalogue],
        },
        {
          provide: Explainer,
          useFactory: (store: Store, bus: MessageBus, { registry }: AgentSettings) =>
            new Explainer(store, { bus, liveMs: registryTimes(registry).suspectAfter }),
          inject: [Store, MessageBus, AgentSettings],
        },
        {
          provide: Contracts,
          useFactory: (store: Store, contracts: ContractCatalogue, { registry }: AgentSettings) =>
            new Contracts(store, contracts, registryTimes(registry).suspectAfter),
          inject: [Store, ContractCatalogue, AgentSettings],
        },
        {
          provide: Pauses,
          useFactory: (store: Store, audit: Audit, bus: MessageBus) =>
            new Pauses(store, audit, (target) =>
              bus.announce(PAUSES_TOPIC, PausesChanged, { target }, { ttl: PAUSES_TTL_MS }),
            ),
          inject: [Store, Audit, MessageBus],
        },
        ReplayJobs,
        ...systemViews,
      ],
      exports: [
        ContractCatalogue,
        Audit,
        BulkChanges,
        DeadLetters,
        Messages,
        Explainer,
        Contracts,
        Subscriptions,
        Pauses,
        ReplayJobs,
        ...systemViews.map(({ provide }) => provide),
      ],
    };
  }
}
