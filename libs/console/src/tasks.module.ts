import { Module } from '@nestjs/common';
import { ConsensusModule, PipelinesModule, ScalingViewModule, Tasks } from 'agentmq/coordination';
import { Database } from 'agentmq/database';
import { Audit, TaskChanges } from 'agentmq/operations';
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
      useFactory: (tasks: Tasks, database: Database) => new TaskChanges(tasks, new Audit(database)),
      inject: [Tasks, Database],
    },
  ],
  controllers: [OpenApiController, TasksController, PipelinesController, ProposalsController, ScalingController],
})
export class TasksApiModule {}
