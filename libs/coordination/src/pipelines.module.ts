import { Global, Module } from '@nestjs/common';
import { PipelineStore } from './pipelines/pipeline-store.js';
import { Pipelines } from './pipelines/pipelines.js';
import { TasksModule } from './tasks.module.js';

/** Flows of several stages, each a task: `Pipelines`. An app that only carries out stages needs `TasksModule` alone. */
@Global()
@Module({ imports: [TasksModule], providers: [PipelineStore, Pipelines], exports: [Pipelines] })
export class PipelinesModule {}
