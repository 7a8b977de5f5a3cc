import 'reflect-metadata';
import { Body, Controller, Delete, Get, Module, Post } from '@nestjs/common';
import { Agent, AgentModule, startAgent } from 'agentmq/agent';
import { PostgresMessageStore } from 'agentmq/message-store';
import { doomedStore } from './doomed.js';
import { Load } from './load.js';
import type { LoadOrder, LoadStatus } from './load.js';
import { readVariables } from './variables.js';

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

const { databaseUrl: url, namespace, doom } = readVariables();
const store = doomedStore(PostgresMessageStore.connect({ url, namespace }), doom);

@Module({
  imports: [AgentModule.forRoot({ store })],
  controllers: [Sender, LoadController],
  providers: [Load],
})
class SenderModule {}

await startAgent(SenderModule);
