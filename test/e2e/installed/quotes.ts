import { Controller, Get, Module, Param } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Contract, Handle, startAgent } from 'agentmq';
import { Tasks, TasksModule } from 'agentmq/coordination';
import { IsNumber, IsString } from 'class-validator';

@Contract({ type: 'quote_request' })
export class QuoteRequest {
  @IsString() symbol!: string;
}

@Contract({ type: 'quote' })
export class Quote {
  @IsString() symbol!: string;
  @IsNumber() price!: number;
}

@Agent({ role: 'pricing' })
export class PricingAgent {
  @Handle(QuoteRequest)
  quote({ symbol }: QuoteRequest): Quote {
    return { symbol, price: 10 * symbol.length };
  }
}

@Controller('quotes')
export class QuotesController {
  constructor(
    private readonly agents: AgentClient,
    readonly tasks: Tasks,
  ) {}

  @Get(':symbol')
  quote(@Param('symbol') symbol: string): Promise<Quote> {
    return this.agents.request({ role: 'pricing' }, QuoteRequest, { symbol }, { answer: Quote });
  }
}

/** An app of its own that has installed the package. Compiled as an ES module and as CommonJS: so it awaits nothing outside of functions. */
@Module({ imports: [AgentModule.forRoot(), TasksModule], controllers: [QuotesController, PricingAgent] })
export class QuotesModule {}

void startAgent(QuotesModule);
