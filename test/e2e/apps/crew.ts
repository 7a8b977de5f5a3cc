import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { AgentIdentity } from 'agentmq/agent';
import { Agent, AgentModule, Ctx, startAgent } from 'agentmq';
import {
  type Ballot,
  ConsensusModule,
  CoordinatorsModule,
  Task,
  TaskContext,
  TasksModule,
  Vote,
  VoteRequest,
} from 'agentmq/coordination';
import { Database } from 'agentmq/database';
import { Done, Job, Piece } from './crew-contracts.js';

/** `coordinator` or `worker`; how many times slower than others it is; how much it does at once. */
const [role = 'worker', slowness = '1', concurrency = '4'] = process.argv.slice(2);
/** What a reviewer is for. */
const LONGEST_MS = 1_000;

/** Does jobs, writes down that it has, whoever's they are by then, and reviews what others propose. */
@Agent({ role: 'worker', capabilities: ['review'], concurrency: Number(concurrency) })
class Worker {
  constructor(
    private readonly identity: AgentIdentity,
    private readonly database: Database,
  ) {}

  /** Minds no signal: it goes on when the job is somebody else's. */
  @Task(Job, { transactional: true })
  async job({ n, ms }: Job, @Ctx() { task, transaction }: TaskContext): Promise<Done> {
    const { id: by } = this.identity;
    const { schema } = this.database;
    await transaction.query(`INSERT INTO "${schema}".effects (n, agent, attempt) VALUES ($1, $2, $3)`, [
      n,
      by,
      task?.attempt,
    ]);
    await delay(ms * Number(slowness));
    // by itself, not with the result
    await this.database.query(`INSERT INTO "${schema}".worked (n, agent, attempt) VALUES ($1, $2, $3)`, [
      n,
      by,
      task?.attempt,
    ]);
    return { n, by };
  }

  @Task(Piece)
  async piece({ n, ms }: Piece): Promise<Done> {
    if (ms > 0) await delay(ms * Number(slowness));
    return { n, by: this.identity.id };
  }

  /** Is for what does not take long; the one that is named as absent never answers. */
  @Vote()
  review({ content }: VoteRequest): Ballot | undefined {
    const { ms, absent } = content as { ms: number; absent?: string };
    if (absent === this.identity.id) return undefined;
    return { choice: ms <= LONGEST_MS ? 'for' : 'against', reason: `it takes ${ms} ms` };
  }
}

@Agent({ role: 'coordinator' })
class Coordinator {}

@Module(
  role === 'coordinator'
    ? { imports: [AgentModule.forRoot(), CoordinatorsModule], controllers: [Coordinator] }
    : { imports: [AgentModule.forRoot(), ConsensusModule, TasksModule], controllers: [Worker] },
)
class CrewModule {}

await startAgent(CrewModule);
