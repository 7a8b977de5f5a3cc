import { type DynamicModule, Module } from '@nestjs/common';
import { NamespaceMetrics } from 'agentmq/agent';
import { AgentModule, type AgentModuleOptions, type PayloadClass } from 'agentmq';
import { ConsoleModule } from 'agentmq/console';
import { stockContracts } from 'agentmq/contracts';
import { ElectionModule } from 'agentmq/coordination';
import { CheckMetrics } from './checks/check-metrics.js';
import { Checks } from './checks/checks.js';
import { ConditionStore } from './checks/condition-store.js';
import { Prober } from './checks/prober.js';
import { MonitorAgent } from './monitor.agent.js';

export interface MonitorOptions extends AgentModuleOptions {
  /** Contracts of your own: by them edited payloads of dead letters are checked, and sensitive ones in clear not shown. */
  readonly contracts?: readonly PayloadClass[];
}

@Module({})
export class MonitorModule {
  constructor(metrics: NamespaceMetrics) {
    metrics.tellAll();
  }

  static forRoot({ contracts = [], ...options }: MonitorOptions = {}): DynamicModule {
    return {
      module: MonitorModule,
      imports: [
        AgentModule.forRoot(options),
        ConsoleModule.forRoot({ contracts: [...stockContracts, ...contracts] }),
        ElectionModule,
      ],
      controllers: [MonitorAgent],
      providers: [Prober, ConditionStore, CheckMetrics, Checks],
    };
  }
}
