import { type DynamicModule, Module } from '@nestjs/common';
import { AgentModule, type AgentModuleOptions } from 'agentmq';
import { TasksModule } from 'agentmq/coordination';
import type { CsvFile } from './csv/csv-file.js';
import { FilePolicy, SpecialistAgent } from './specialist.agent.js';

export interface SpecialistOptions extends AgentModuleOptions {
  /** The one file of this machine that tasks may name; none unless given. */
  readonly allowedFile?: CsvFile;
}

@Module({})
export class SpecialistModule {
  static forRoot({ allowedFile, ...options }: SpecialistOptions = {}): DynamicModule {
    return {
      module: SpecialistModule,
      imports: [AgentModule.forRoot(options), TasksModule],
      controllers: [SpecialistAgent],
      providers: [{ provide: FilePolicy, useValue: new FilePolicy(allowedFile) }],
    };
  }
}
