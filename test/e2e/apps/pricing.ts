import { Module } from '@nestjs/common';
import { Agent, AgentModule, AgentMQError, Contract, startAgent } from 'agentmq';
import { Task, TasksModule } from 'agentmq/coordination';
import { IsInt, IsString, Length, Min } from 'class-validator';

@Contract({ type: 'price_quote' })
class QuoteRequest {
  @IsString()
  @Length(1, 10)
  symbol!: string;

  @IsInt()
  @Min(1)
  amount!: number;
}

class NoPriceError extends AgentMQError {
  readonly code = 'NO_PRICE';
}

/** What a piece of each costs. */
const PRICES: Readonly<Record<string, number>> = { ABC: 12, XYZ: 7 };

/** An app that is none of the stock ones. */
@Agent({ role: 'pricing' })
class PricingAgent {
  @Task(QuoteRequest)
  quote({ symbol, amount }: QuoteRequest): object {
    const price = PRICES[symbol];
    if (price === undefined) throw new NoPriceError(`${symbol} has no price`);
    return { symbol, total: price * amount };
  }
}

@Module({ imports: [AgentModule.forRoot(), TasksModule], controllers: [PricingAgent] })
class PricingModule {}

await startAgent(PricingModule);
