import { Controller, Get, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Agent, AgentClient, AgentModule, AgentSettings, connectAgent, Contract, Handle } from 'agentmq';
import { IsString } from 'class-validator';
import { Logger, LoggerModule } from 'nestjs-pino';

@Contract({ type: 'receipt' })
class Receipt {
  @IsString()
  text!: string;
}

/** The reader of its log is told when a handler is at work, and that it has finished. */
@Agent({ role: 'till' })
class Till {
  constructor(private readonly log: Logger) {}

  @Handle(Receipt)
  async print({ text }: Receipt): Promise<void> {
    this.log.log(`printing ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    this.log.log(`printed ${text}`);
  }
}

@Controller('receipts')
class Receipts {
  constructor(private readonly agents: AgentClient) {}

  @Get()
  async add(@Query('text') text: string): Promise<{ text: string }> {
    await this.agents.send({ role: 'till' }, Receipt, { text });
    return { text };
  }
}

@Module({ imports: [LoggerModule.forRoot(), AgentModule.forRoot()], controllers: [Till, Receipts] })
class TillModule {}

// An app that was there before it became an agent: its own main, prefix and logger.
const app = await NestFactory.create<NestFastifyApplication>(TillModule, new FastifyAdapter(), { bufferLogs: true });
app.useLogger(app.get(Logger));
app.setGlobalPrefix('api');
connectAgent(app);
await app.listen(app.get(AgentSettings).http.port);
await app.startAllMicroservices();
