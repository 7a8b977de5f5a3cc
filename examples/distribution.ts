import { Module } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, Contract, Handle } from 'agentmq';
import { DistributionModule, Distribution } from 'agentmq/coordination';
import { IsNumber, IsString } from 'class-validator';

@Contract({ type: 'quote_request' })
class QuoteRequest {
  @IsString()
  symbol!: string;
}

@Contract({ type: 'quote' })
class Quote {
  @IsNumber()
  price!: number;
}

@Agent({ role: 'pricing', capabilities: ['price_quote'] })
class PricingAgent {
  @Handle(QuoteRequest)
  quote({ symbol }: QuoteRequest): Quote {
    return { price: symbol.length * 100 };
  }
}

@Module({ imports: [DistributionModule], controllers: [PricingAgent] })
class PricingModule {}

export async function distribution(team: Team): Promise<Quote> {
  await team.add('pricing-1', { module: PricingModule });
  const app = await team.add('pricing-2', { module: PricingModule });
  return app.get(Distribution).request(
    { capability: 'price_quote' },
    QuoteRequest,
    { symbol: 'ACME' },
    {
      answer: Quote,
      strategy: 'consistent-hash', // least-loaded unless given
      key: 'ACME',
      timeout: 10_000, // for all of it
      attemptTimeout: 3_000, // for each agent
    },
  );
}
