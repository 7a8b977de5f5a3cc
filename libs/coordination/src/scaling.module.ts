import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { CoordinatorsModule } from './coordinators.module.js';
import { BacklogSource } from './scaling/backlog-source.js';
import { ChildProcessSpawner } from './scaling/child-process-spawner.js';
import { RoleBacklog } from './scaling/role-backlog.js';
import { Scaler } from './scaling/scaler.js';
import { Scaling } from './scaling/scaling.js';
import { Spawner } from './scaling/spawner.js';
import { TasksModule } from './tasks.module.js';

/** What may be other than usual. */
export interface ScalingOptions {
  /** Starts and stops workers: as child processes of the coordinator unless given. */
  readonly spawner?: Type<Spawner>;
}

/** Tells how much each role has to do, and how many agents do it: `Scaling`. */
@Global()
@Module({
  imports: [TasksModule],
  providers: [{ provide: BacklogSource, useClass: RoleBacklog }, Scaling],
  exports: [Scaling, BacklogSource],
})
export class ScalingViewModule {}

/** Has the leader of the coordinators start and stop agents of the roles of `SCALING`, and tells how each role is: `Scaling`. */
@Global()
@Module({})
export class ScalingModule {
  static forRoot({ spawner = ChildProcessSpawner }: ScalingOptions = {}): DynamicModule {
    return {
      module: ScalingModule,
      imports: [CoordinatorsModule, ScalingViewModule],
      providers: [{ provide: Spawner, useClass: spawner }, Scaler],
      exports: [ScalingViewModule],
    };
  }
}
