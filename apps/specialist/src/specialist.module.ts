import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq/agent';
import { CoordinationModule } from 'agentmq/coordination';
import { SpecialistAgent } from './specialist.agent.js';

@Module({})
export class SpecialistModule {
  static forRoot(options: AgentModuleOptions = {}): DynamicModule {
    return {
      module: SpecialistModule,
      imports: [AgentModule.forRoot(options), CoordinationModule],
      controllers: [SpecialistAgent],
    };
  }
}
