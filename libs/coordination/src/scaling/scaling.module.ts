import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { BacklogSource } from './backlog-source.js';
import { ChildProcessSpawner } from './child-process-spawner.js';
import { RoleBacklog } from './role-backlog.js';
import { Scaler } from './scaler.js';
import { Scaling } from './scaling.js';
import { Spawner } from './spawner.js';

/** What may be other than usual. */
export interface ScalingOptions {
  /** Who starts workers: child processes of the coordinator unless given. */
  readonly spawner?: Type<Spawner>;
}

/** Has the coordinators of an app scale the roles of `SCALING`, and tell how any role is. Import it beside `CoordinatorsModule`. */
@Global()
@Module({})
export class ScalingModule {
  static forRoot({ spawner = ChildProcessSpawner }: ScalingOptions = {}): DynamicModule {
    return {
      module: ScalingModule,
      providers: [
        { provide: BacklogSource, useClass: RoleBacklog },
        { provide: Spawner, useClass: spawner },
        Scaler,
        Scaling,
      ],
      exports: [Scaler, Scaling],
    };
  }
}
