import { Module } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, Contract, Ctx } from 'agentmq';
import { CoordinatorsModule, Task, type TaskContext, Tasks } from 'agentmq/coordination';
import { IsString } from 'class-validator';

@Contract({ type: 'resize' })
class Resize {
  @IsString()
  image!: string;
}

@Contract({ type: 'resized' })
class Resized {
  @IsString()
  name!: string;
}

@Agent({ role: 'resizer', concurrency: 4 })
class ResizerAgent {
  @Task(Resize)
  resize({ image }: Resize, @Ctx() { signal, progress }: TaskContext): Resized {
    signal.throwIfAborted(); // aborted when the task is no longer this agent's
    progress({ percent: 50 });
    return { name: `small-${image}` };
  }
}

/** Does tasks, and assigns them. */
@Module({ imports: [CoordinatorsModule], controllers: [ResizerAgent] })
class ResizerModule {}

export async function tasks(team: Team): Promise<Resized> {
  const app = await team.add('resizer', { module: ResizerModule });
  const tasks = app.get(Tasks);
  const id = await tasks.submit(Resize, { image: 'cat.png' }, { deadline: 60_000 });
  return tasks.result(id, { answer: Resized });
}
