import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq/agent';
import { CoordinationModule, CoordinatorsModule, ScalingModule } from 'agentmq/coordination';
import { CoordinatorAgent } from './coordinator.agent.js';
import { CsvAnalysis } from './csv-analysis.js';
import type { CsvFile } from './csv/csv-file.js';
import { ProposalsController } from './proposals.controller.js';
import { ScalingController } from './scaling.controller.js';
import { SubmittedTasksController } from './submitted-tasks.controller.js';
import { TaskPolicy, TaskRunner } from './task-runner.js';
import { TasksController } from './tasks.controller.js';

export interface CoordinatorOptions extends AgentModuleOptions {
  /** The one file of this machine that tasks may name; none unless given. */
  readonly allowedFile?: CsvFile;
}

@Module({})
export class CoordinatorModule {
  static forRoot({ allowedFile, ...options }: CoordinatorOptions = {}): DynamicModule {
    return {
      module: CoordinatorModule,
      imports: [AgentModule.forRoot(options), CoordinationModule, CoordinatorsModule, ScalingModule.forRoot()],
      controllers: [
        CoordinatorAgent,
        TasksController,
        ProposalsController,
        ScalingController,
        SubmittedTasksController,
      ],
      providers: [{ provide: TaskPolicy, useValue: new TaskPolicy(allowedFile) }, CsvAnalysis, TaskRunner],
    };
  }
}
