import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { AgentStops, Team } from 'agentmq/agent';
import { Agent, AgentRegistry, Contract, type RegisteredAgent } from 'agentmq';
import { ScalingModule, Spawner, type StartedWorker, Task, Tasks, TasksModule } from 'agentmq/coordination';
import { IsString } from 'class-validator';
import { filter, firstValueFrom, take, toArray } from 'rxjs';

@Contract({ type: 'pack' })
class Pack {
  @IsString()
  parcel!: string;
}

@Agent({ role: 'packer', concurrency: 1 })
class PackerAgent {
  @Task(Pack)
  async pack(): Promise<void> {
    await pause(100);
  }
}

@Module({ imports: [TasksModule], controllers: [PackerAgent] })
class PackerModule {}

@Agent({ role: 'warehouse' })
class WarehouseAgent {}

/** Resolves with how many packers the coordinator has started for 30 parcels. */
export async function scaling(team: Team): Promise<number> {
  /** Starts packers in this process. Without a spawner they are child processes. */
  @Injectable()
  class PackerSpawner extends Spawner {
    private started = 0;

    constructor(private readonly stops: AgentStops) {
      super();
    }

    async start(role: string): Promise<StartedWorker> {
      await team.add(`${role}-${++this.started}`, { module: PackerModule });
      return { ended: new Promise(() => undefined) };
    }

    stop(agent: RegisteredAgent, reason: string): Promise<void> {
      return this.stops.ask(agent, reason);
    }
  }

  @Module({ imports: [ScalingModule.forRoot({ spawner: PackerSpawner })], controllers: [WarehouseAgent] })
  class WarehouseModule {}

  // SCALING=packer:0-3 SCALING_TARGET_BACKLOG=10
  const scaling = { ...Team.settings().scaling, roles: [{ role: 'packer', min: 0, max: 3 }], targetBacklog: 10 };
  const app = await team.add('warehouse', { module: WarehouseModule }, { scaling });
  const joined = app.get(AgentRegistry).events.pipe(
    filter(({ kind, agent }) => kind === 'joined' && agent.role === 'packer'),
    take(3),
    toArray(),
  );
  const packers = firstValueFrom(joined);
  const parcels = Array.from({ length: 30 }, (_, n) => ({ parcel: `${n}` }));
  await app.get(Tasks).submitAll(Pack, parcels, { to: { role: 'packer' } });
  return (await packers).length;
}
