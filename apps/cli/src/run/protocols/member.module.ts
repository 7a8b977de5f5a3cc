import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { Agent, AgentModule, type AgentModuleOptions } from 'agentmq/agent';
import { CoordinationModule, CoordinatorsModule } from 'agentmq/coordination';

/** An agent that only takes part. */
@Agent({ role: 'member' })
class MemberAgent {}

/** The app of one agent of a protocol. */
@Module({})
export class MemberModule {
  /** `given` is what the agent's constructor gets, by its class. */
  static forRoot(options: AgentModuleOptions, agent: Type = MemberAgent, ...given: readonly object[]): DynamicModule {
    return {
      module: MemberModule,
      imports: [AgentModule.forRoot(options), CoordinationModule],
      controllers: [agent],
      providers: given.map((value) => ({ provide: value.constructor, useValue: value })),
    };
  }

  /** The app of an agent that assigns tasks to others. */
  static coordinating(options: AgentModuleOptions, agent?: Type, ...given: readonly object[]): DynamicModule {
    const { imports = [], ...member } = this.forRoot(options, agent, ...given);
    return { ...member, imports: [...imports, CoordinatorsModule] };
  }
}
