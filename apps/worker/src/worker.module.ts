import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq';
import { TasksModule } from 'agentmq/coordination';
import { WorkerAgent } from './worker.agent.js';

@Module({})
export class WorkerModule {
  static forRoot(options: AgentModuleOptions = {}): DynamicModule {
    return {
      module: WorkerModule,
      imports: [AgentModule.forRoot(options), TasksModule],
      controllers: [WorkerAgent],
    };
  }
}
