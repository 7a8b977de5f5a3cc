import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { Agent } from 'agentmq';
import { ConsensusModule, CoordinatorsModule, ElectionModule, PipelinesModule } from 'agentmq/coordination';

/** An agent that only takes part. */
@Agent({ role: 'member' })
class MemberAgent {}

/** The app of one agent of a protocol. */
@Module({})
export class MemberModule {
  /** `given` is what the agent's constructor gets, by its class. */
  static of(agent: Type = MemberAgent, ...given: readonly object[]): DynamicModule {
    return {
      module: MemberModule,
      imports: [ElectionModule, ConsensusModule, PipelinesModule],
      controllers: [agent],
      providers: given.map((value) => ({ provide: value.constructor, useValue: value })),
    };
  }

  /** The app of an agent that assigns tasks to others. */
  static coordinating(agent?: Type, ...given: readonly object[]): DynamicModule {
    const { imports = [], ...member } = this.of(agent, ...given);
    return { ...member, imports: [...imports, CoordinatorsModule] };
  }
}
