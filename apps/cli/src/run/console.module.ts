import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq/agent';
import { ConsoleAgent, ProgressListener } from './console.agent.js';

@Module({})
export class ConsoleModule {
  static forRoot(options: AgentModuleOptions, listener: ProgressListener): DynamicModule {
    return {
      module: ConsoleModule,
      imports: [AgentModule.forRoot(options)],
      controllers: [ConsoleAgent],
      providers: [{ provide: ProgressListener, useValue: listener }],
    };
  }
}
