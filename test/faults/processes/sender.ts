import 'reflect-metadata';
import { Body, Controller, Delete, Get, Module, Post } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, startAgent } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';
import { doomedStore } from './doomed.js';
import { Harmful, Noise, ROLE } from '../numbered.js';
import { Load } from './load.js';
import type { LoadOrder, LoadStatus } from './load.js';
import { readVariables } from './variables.js';

export interface HarmOrder {
  readonly what: 'large' | 'header' | 'session' | 'noise';
  readonly count: number;
}

@Agent({ role: 'sender' })
class Sender {}

/** How the suite tells a sender what to send. */
@Controller('load')
class LoadController {
  constructor(private readonly load: Load) {}

  @Post()
  begin(@Body() order: LoadOrder): void {
    this.load.begin(order);
  }

  @Get()
  status(): LoadStatus {
    return this.load.status;
  }

  @Delete()
  stop(): void {
    this.load.stop();
  }
}

/** How the suite makes this process, which sends numbers, do harm beside that. Answers with how many sends were taken. */
@Controller('harm')
class HarmController {
  constructor(private readonly agents: AgentClient) {}

  @Post()
  async harm(@Body() { what, count }: HarmOrder): Promise<number> {
    const sends = Array.from({ length: count }, (_, n) => this.one(what, n));
    const outcomes = await Promise.allSettled(sends);
    return outcomes.filter(({ status }) => status === 'fulfilled').length;
  }

  private one(what: HarmOrder['what'], n: number): Promise<unknown> {
    if (what === 'noise') return this.agents.publish(`noise.${n}`, Noise, { n });
    const text = what === 'large' ? 'x'.repeat(3_000_000) : what;
    const options = what === 'header' ? { headers: { h: Infinity } } : {};
    return this.agents.send({ role: ROLE }, Harmful, { text }, options);
  }
}

const { databaseUrl: url, namespace, doom } = readVariables();
const store = doomedStore(Store.connect({ url, namespace }), doom);

@Module({
  imports: [AgentModule.forRoot({ store })],
  controllers: [Sender, LoadController, HarmController],
  providers: [Load],
})
class SenderModule {}

await startAgent(SenderModule);
