import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent } from 'agentmq';
import { ElectionModule, Elections, type Leadership } from 'agentmq/coordination';

@Agent({ role: 'scheduler' })
class SchedulerAgent implements OnApplicationBootstrap {
  /** Resolves with the term in which this agent has written as the leader. */
  readonly hasWritten: Promise<number>;
  private written = (_: number): void => undefined;

  constructor(private readonly elections: Elections) {
    this.hasWritten = new Promise((resolve) => (this.written = resolve));
  }

  onApplicationBootstrap(): void {
    // Not awaited: it waits until the agent's messages flow.
    void this.elections.join('schedulers', { onElected: (leadership) => this.lead(leadership) });
  }

  private async lead({ term, signal, fence }: Leadership): Promise<void> {
    if (signal.aborted) return;
    // Refused by the database once a later term is on record.
    await fence((transaction) => transaction.query('SELECT 1'));
    this.written(term);
  }
}

@Module({ imports: [ElectionModule], controllers: [SchedulerAgent] })
class SchedulerModule {}

/** Three schedulers, of which one leads. Resolves with its term. */
export async function election(team: Team): Promise<number> {
  const schedulers: SchedulerAgent[] = [];
  for (const name of ['scheduler-1', 'scheduler-2', 'scheduler-3']) {
    const app = await team.add(name, { module: SchedulerModule });
    schedulers.push(app.get(SchedulerAgent));
  }
  return Promise.race(schedulers.map(({ hasWritten }) => hasWritten));
}
