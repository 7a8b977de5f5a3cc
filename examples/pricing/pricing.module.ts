import { Injectable, Module } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Contract, Handle } from 'agentmq';
import { IsNumber, IsString } from 'class-validator';

@Contract({ type: 'price_request', version: 1 })
export class PriceRequest {
  @IsString() product!: string;
}

@Contract({ type: 'price', version: 1 })
export class Price {
  @IsString() product!: string;
  @IsNumber() cents!: number;
}

@Contract({ type: 'price_changed', version: 1 })
export class PriceChanged {
  @IsString() product!: string;
  @IsNumber() cents!: number;
}

@Injectable()
export class PriceList {
  centsOf(_product: string): number {
    return 100;
  }
}

@Agent({ role: 'pricing' })
class Pricing {
  constructor(
    private readonly list: PriceList,
    private readonly client: AgentClient,
  ) {}

  @Handle(PriceRequest)
  price({ product }: PriceRequest): Price {
    return { product, cents: this.list.centsOf(product) };
  }

  @Handle(PriceChanged)
  async change(change: PriceChanged): Promise<void> {
    if (change.cents < 0) throw new Error('below zero');
    await this.client.publish('prices', PriceChanged, change);
  }
}

@Module({ imports: [AgentModule.forRoot()], controllers: [Pricing], providers: [PriceList] })
export class PricingModule {}
