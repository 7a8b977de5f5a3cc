import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq';
import { TasksApiModule } from 'agentmq/console';
import { ScalingModule } from 'agentmq/coordination';
import { CoordinatorAgent } from './coordinator.agent.js';

@Module({})
export class CoordinatorModule {
  static forRoot(options: AgentModuleOptions = {}): DynamicModule {
    return {
      module: CoordinatorModule,
      imports: [AgentModule.forRoot(options), ScalingModule.forRoot(), TasksApiModule],
      controllers: [CoordinatorAgent],
    };
  }
}
