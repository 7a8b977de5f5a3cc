import 'reflect-metadata';
import { Get, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, startAgent, Subscribe } from 'agentmq/agent';
import { type ElectionGroup, ElectionModule, Elections } from 'agentmq/coordination';
import { GROUP, NEIGHBOUR, Noise } from '../numbered.js';

/** Hears the noise, takes part in an election, and tells what it knows of the agents. */
@Agent({ role: NEIGHBOUR, capabilities: ['neighbourly'] })
class Neighbour implements OnApplicationBootstrap {
  private group: ElectionGroup | undefined;

  constructor(
    private readonly agents: AgentClient,
    private readonly elections: Elections,
  ) {}

  onApplicationBootstrap(): void {
    void this.elections.join(GROUP).then((group) => (this.group = group));
  }

  @Subscribe('noise.*', Noise, { scope: 'instance' })
  hear(): void {
    return;
  }

  @Get('leader')
  leader(): { readonly leader: string | null; readonly term: number } {
    const { leader = null, term = 0 } = this.group?.state ?? {};
    return { leader, term };
  }

  /** Ids of the agents that can be given work. */
  @Get('able')
  able(): string[] {
    return this.agents.find({ capability: 'neighbourly', health: 'healthy' }).map(({ id }) => id);
  }

  @Get('known')
  known(): number {
    return this.agents.find().length;
  }
}

@Module({ imports: [AgentModule.forRoot(), ElectionModule], controllers: [Neighbour] })
class NeighbourModule {}

await startAgent(NeighbourModule);
