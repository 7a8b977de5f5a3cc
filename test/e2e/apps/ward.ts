import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Handle, startAgent } from 'agentmq/agent';
import { CallOut, Faint } from './ward-contracts.js';

/** An agent with which something goes wrong when it is asked. */
@Agent({ role: 'patient', concurrency: 2 })
class Patient {
  constructor(private readonly client: AgentClient) {}

  @Handle(Faint)
  async faint({ ms }: Faint): Promise<void> {
    await delay(ms);
  }

  @Handle(CallOut)
  async callOut({ role, ms }: CallOut): Promise<void> {
    await this.client.send({ role }, Faint, { ms: 0 }, { ttl: ms });
  }
}

@Module({ imports: [AgentModule.forRoot()], controllers: [Patient] })
class WardModule {}

await startAgent(WardModule);
