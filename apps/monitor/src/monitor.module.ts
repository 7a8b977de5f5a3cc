import { type DynamicModule, Module } from '@nestjs/common';
import { AgentIdentity, AgentModule, type AgentModuleOptions, AgentSettings, NamespaceMetrics } from 'agentmq/agent';
import { ContractCatalogue, type PayloadClass } from 'agentmq/protocol';
import { Elections } from 'agentmq/coordination';
import { Store } from 'agentmq/message-store';
import { DeadLetters, Replayer } from 'agentmq/messaging';
import { CheckMetrics } from './checks/check-metrics.js';
import { Checks } from './checks/checks.js';
import { ConditionStore } from './checks/condition-store.js';
import { Prober } from './checks/prober.js';
import { MonitorAgent } from './monitor.agent.js';
import { MoveController, SubscriptionsController } from './operations/consumers.controller.js';
import { DeadLettersController } from './operations/dead-letters.controller.js';
import { knownContracts } from './operations/known-contracts.js';
import { MessagesController, TracesController } from './operations/messages.controller.js';
import { ReplayJobs } from './operations/replay-jobs.js';
import { ReplayController } from './operations/replay.controller.js';

export interface MonitorOptions extends AgentModuleOptions {
  /** Contracts of your own: by them edited payloads of dead letters are checked, and sensitive ones in clear not shown. */
  readonly contracts?: readonly PayloadClass[];
}

@Module({})
export class MonitorModule {
  constructor(metrics: NamespaceMetrics) {
    metrics.tellAll();
  }

  static forRoot({ contracts, ...options }: MonitorOptions = {}): DynamicModule {
    return {
      module: MonitorModule,
      imports: [AgentModule.forRoot(options)],
      controllers: [
        MonitorAgent,
        DeadLettersController,
        ReplayController,
        MoveController,
        SubscriptionsController,
        MessagesController,
        TracesController,
      ],
      providers: [
        { provide: ContractCatalogue, useValue: knownContracts(contracts) },
        {
          provide: Replayer,
          useFactory: (store: Store, { messaging: { outboxLimit } }: AgentSettings) =>
            new Replayer(store, { outboxLimit }),
          inject: [Store, AgentSettings],
        },
        {
          provide: DeadLetters,
          useFactory: (store: Store, { id }: AgentIdentity, { messaging: { outboxLimit }, bus }: AgentSettings) =>
            new DeadLetters(store, { sender: id, outboxLimit, maxMessageBytes: bus.maxMessageBytes }),
          inject: [Store, AgentIdentity, AgentSettings],
        },
        ReplayJobs,
        Elections,
        Prober,
        ConditionStore,
        CheckMetrics,
        Checks,
      ],
    };
  }
}
