import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq/agent';
import { CoordinationModule } from 'agentmq/coordination';
import { CoordinatorAgent } from './coordinator.agent.js';
import { CsvAnalysis } from './csv-analysis.js';
import { ProposalsController } from './proposals.controller.js';
import { TaskPolicy, TaskRunner } from './task-runner.js';
import { TasksController } from './tasks.controller.js';

export interface CoordinatorOptions extends AgentModuleOptions {
  /** The one file of this machine that tasks may name; none unless given. */
  readonly allowedFile?: string;
}

@Module({})
export class CoordinatorModule {
  static forRoot({ allowedFile, ...options }: CoordinatorOptions = {}): DynamicModule {
    return {
      module: CoordinatorModule,
      imports: [AgentModule.forRoot(options), CoordinationModule],
      controllers: [CoordinatorAgent, TasksController, ProposalsController],
      providers: [{ provide: TaskPolicy, useValue: new TaskPolicy(allowedFile) }, CsvAnalysis, TaskRunner],
    };
  }
}
