import { type DynamicModule, Module } from '@nestjs/common';
import { OperationsModule, type OperationsOptions } from 'agentmq/operations';
import { MeController } from './access/me.controller.js';
import { SessionController } from './access/session.controller.js';
import { AuditController } from './audit/audit.controller.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { ContractsController } from './contracts/contracts.controller.js';
import { EventsController } from './events/events.controller.js';
import { MessagesController } from './messages/messages.controller.js';
import { TracesController } from './messages/traces.controller.js';
import { AgentPausesController, ConsumerPausesController, PausesController } from './pauses/pauses.controller.js';
import { PageController } from './page/page.controller.js';
import { MoveController, ReplayController } from './replay/replay.controller.js';
import { SubscriptionsController } from './subscriptions/subscriptions.controller.js';
import { systemControllers } from './system/system.controllers.js';
import { TasksApiModule } from './tasks.module.js';

/** What operators ask and do, over HTTP. `AgentModule` has to be imported beside it. */
@Module({})
export class ConsoleModule {
  static forRoot(options: OperationsOptions = {}): DynamicModule {
    return {
      module: ConsoleModule,
      imports: [OperationsModule.forRoot(options), TasksApiModule],
      controllers: [
        MeController,
        SessionController,
        DeadLettersController,
        ReplayController,
        MoveController,
        SubscriptionsController,
        AuditController,
        PausesController,
        ConsumerPausesController,
        AgentPausesController,
        MessagesController,
        ContractsController,
        TracesController,
        PageController,
        EventsController,
        ...systemControllers,
      ],
    };
  }
}
