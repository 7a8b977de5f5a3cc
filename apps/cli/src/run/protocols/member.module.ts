import { type DynamicModule, Module } from '@nestjs/common';
import { Agent, AgentModule, type AgentModuleOptions } from 'agentmq/agent';
import { CoordinationModule } from 'agentmq/coordination';

/** An agent that only takes part. */
@Agent({ role: 'member' })
class MemberAgent {}

@Module({})
export class MemberModule {
  static forRoot(options: AgentModuleOptions): DynamicModule {
    return {
      module: MemberModule,
      imports: [AgentModule.forRoot(options), CoordinationModule],
      controllers: [MemberAgent],
    };
  }
}
