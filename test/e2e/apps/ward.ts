import { Get, Module } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Handle, startAgent } from 'agentmq';
import { CallOut, Faint } from './ward-contracts.js';

/** An agent with which something goes wrong when it is asked. */
@Agent({ role: 'patient', concurrency: 2 })
class Patient {
  private wake: (() => void) | undefined;
  private readonly awake = new Promise<void>((resolve) => (this.wake = resolve));

  constructor(private readonly client: AgentClient) {}

  @Handle(Faint)
  faint(): Promise<void> {
    return this.awake;
  }

  @Handle(CallOut)
  async callOut({ role }: CallOut): Promise<void> {
    await this.client.send({ role }, Faint, {});
  }

  @Get('wake')
  wakeUp(): object {
    this.wake?.();
    return {};
  }
}

@Module({ imports: [AgentModule.forRoot()], controllers: [Patient] })
class WardModule {}

await startAgent(WardModule);
