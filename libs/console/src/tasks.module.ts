import { Module } from '@nestjs/common';
import { ConsensusModule, PipelinesModule, ScalingViewModule, Tasks, TaskTypes } from 'agentmq/coordination';
import { Database } from 'agentmq/database';
import { Audit, TaskChanges, TaskViews } from 'agentmq/operations';
import { OpenApiController } from './openapi/openapi.controller.js';
import { PipelinesController } from './tasks/pipelines.controller.js';
import { ProposalsController } from './tasks/proposals.controller.js';
import { ScalingController } from './tasks/scaling.controller.js';
import { TasksController } from './tasks/tasks.controller.js';

/** Tasks, pipelines, proposals and how roles are scaled, over HTTP. `AgentModule` has to be imported beside it. */
@Module({
  imports: [ConsensusModule, PipelinesModule, ScalingViewModule],
  providers: [
    {
      provide: TaskChanges,
      useFactory: (tasks: Tasks, types: TaskTypes, database: Database) =>
        new TaskChanges(tasks, types, database, new Audit(database)),
      inject: [Tasks, TaskTypes, Database],
    },
    { provide: TaskViews, useFactory: (tasks: Tasks) => new TaskViews(tasks), inject: [Tasks] },
  ],
  controllers: [OpenApiController, TasksController, PipelinesController, ProposalsController, ScalingController],
})
export class TasksApiModule {}
