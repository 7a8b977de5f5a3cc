import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { AgentIdentity } from 'agentmq/agent';
import { Agent, AgentModule, Ctx, startAgent } from 'agentmq';
import { CoordinatorsModule, Task, TaskContext, TasksModule } from 'agentmq/coordination';
import { Database } from 'agentmq/database';
import { Analyse, Clean, Parse, Report, type Sheet } from './line-contracts.js';

/** `coordinator`, `desk` or `worker`; how much it does at once. */
const [role = 'worker', concurrency = '4'] = process.argv.slice(2);

/** Does stages of a pipeline, each of which takes a while, and leaves one row in the table `effects` with its result. */
@Injectable()
class Doer {
  constructor(
    private readonly identity: AgentIdentity,
    private readonly database: Database,
  ) {}

  protected async work(stage: string, sheet: Sheet, { task, transaction, signal }: TaskContext): Promise<Sheet> {
    const { n, by } = sheet;
    const [ms = 0, ...times] = sheet.times;
    const { id } = this.identity;
    await transaction.query(
      `INSERT INTO "${this.database.schema}".effects (n, stage, agent, attempt) VALUES ($1, $2, $3, $4)`,
      [n, stage, id, task?.attempt],
    );
    if (ms > 0) await delay(ms, undefined, { signal });
    return { n, times, by: [...by, id] };
  }
}

@Agent({ role: 'desk', concurrency: Number(concurrency) })
class Desk extends Doer {
  @Task(Parse, { transactional: true })
  parse(sheet: Parse, @Ctx() context: TaskContext): Promise<Sheet> {
    return this.work('parse', sheet, context);
  }

  @Task(Report, { transactional: true })
  report(sheet: Report, @Ctx() context: TaskContext): Promise<Sheet> {
    return this.work('report', sheet, context);
  }
}

@Agent({ role: 'worker', capabilities: ['cleaning', 'analysis'], concurrency: Number(concurrency) })
class Worker extends Doer {
  @Task(Clean, { transactional: true })
  clean(sheet: Clean, @Ctx() context: TaskContext): Promise<Sheet> {
    return this.work('clean', sheet, context);
  }

  @Task(Analyse, { transactional: true })
  analyse(sheet: Analyse, @Ctx() context: TaskContext): Promise<Sheet> {
    return this.work('analyse', sheet, context);
  }
}

@Agent({ role: 'coordinator' })
class Coordinator {}

@Module(
  role === 'coordinator'
    ? { imports: [AgentModule.forRoot(), CoordinatorsModule], controllers: [Coordinator] }
    : { imports: [AgentModule.forRoot(), TasksModule], controllers: [role === 'desk' ? Desk : Worker] },
)
class LineModule {}

await startAgent(LineModule);
