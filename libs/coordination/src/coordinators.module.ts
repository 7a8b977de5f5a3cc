import { Global, Module } from '@nestjs/common';
import { Coordinators } from './coordinators/coordinators.js';
import { ElectionModule } from './election.module.js';
import { TasksModule } from './tasks.module.js';
import { TaskDispatcher } from './tasks/dispatcher/dispatcher.js';
import { DispatchStore } from './tasks/store/dispatch-store.js';

/** Makes an agent app one of the coordinators, whose leader assigns tasks: for as many apps and instances as should be able to take over. */
@Global()
@Module({
  imports: [ElectionModule, TasksModule],
  providers: [Coordinators, DispatchStore, TaskDispatcher],
  exports: [Coordinators],
})
export class CoordinatorsModule {}
