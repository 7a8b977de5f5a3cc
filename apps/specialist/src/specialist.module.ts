import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq/agent';
import { SpecialistAgent } from './specialist.agent.js';

@Module({})
export class SpecialistModule {
  static forRoot(options: AgentModuleOptions = {}): DynamicModule {
    return { module: SpecialistModule, imports: [AgentModule.forRoot(options)], controllers: [SpecialistAgent] };
  }
}
