import { setTimeout as pause } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { Agent, AgentClient, Handle, Subscribe } from 'agentmq';
import { type Ballot, ConsensusModule, PipelinesModule, Task, Vote, type VoteRequest } from 'agentmq/coordination';
import {
  OrderPlaced,
  ParseReading,
  Price,
  PriceRequest,
  RateReading,
  ReserveStock,
  ReturnLabel,
  ShipOrder,
} from './contracts.js';

/** What is wrong in the shop, as the test has it. */
export const faults = { orders: '', warehouse: false, weather: false };

@Agent({ role: 'orders', capabilities: ['review'] })
class OrdersAgent {
  constructor(private readonly agents: AgentClient) {}

  @Handle(OrderPlaced)
  async place({ order, customer, items }: OrderPlaced): Promise<void> {
    if (faults.orders) throw new Error(faults.orders.replace('%', String(order)));
    for (const item of items)
      await this.agents.request({ role: 'pricing' }, PriceRequest, { item }, { answer: Price, timeout: 5_000 });
    await this.agents.send({ role: 'stock' }, ReserveStock, { order, items });
    await this.agents.publish('orders.placed', OrderPlaced, { order, items, customer });
  }

  @Vote()
  consider({ subject }: VoteRequest): Ballot {
    return { choice: 'for', reason: `${subject}: it is tested` };
  }
}

@Agent({ role: 'pricing', capabilities: ['review'] })
class PricingAgent {
  @Handle(PriceRequest)
  price({ item }: PriceRequest): Price {
    return { cents: item.length * 125 };
  }

  @Vote()
  consider(): Ballot {
    return { choice: 'for' };
  }
}

@Agent({ role: 'stock', capabilities: ['review'] })
class StockAgent {
  constructor(private readonly agents: AgentClient) {}

  /** The first attempt at every third order fails: the warehouse is slow to wake. */
  @Handle(ReserveStock)
  async reserve({ order }: ReserveStock): Promise<void> {
    await pause(20);
    if (faults.warehouse || (order % 3 === 0 && !this.woken.has(order))) {
      this.woken.add(order);
      throw new Error(`no connection to warehouse db-${(order % 4) + 1} after ${3_000 + order} ms`);
    }
    await this.agents.send({ role: 'courier' }, ShipOrder, { order, customer: `customer-${order % 7}` });
  }

  @Vote()
  consider({ subject }: VoteRequest): Ballot {
    return { choice: 'against', reason: `${subject}: stocktaking is on Friday` };
  }

  private readonly woken = new Set<number>();
}

@Agent({ role: 'courier' })
class CourierAgent {
  @Handle(ShipOrder)
  async ship(): Promise<void> {
    await pause(60);
  }
}

@Agent({ role: 'archive' })
class ArchiveAgent {
  @Subscribe('orders.*', OrderPlaced)
  keep(): void {}

  /** Of an app that is gone but for its role. */
  @Handle(ReturnLabel)
  label(): void {}
}

@Agent({ role: 'weather' })
class WeatherAgent {
  @Task(ParseReading)
  async parse({ line }: ParseReading): Promise<RateReading> {
    await pause(40);
    while (faults.weather) await pause(20);
    const [city = '', degrees] = line.split(',');
    return { city, degrees: Number(degrees) };
  }

  @Task(RateReading)
  async rate({ city, degrees }: RateReading): Promise<object> {
    await pause(30);
    if (degrees < -60) throw new Error(`${city}: ${degrees} °C can not be`);
    return { text: `${city} is ${degrees < 10 ? 'cold' : 'warm'}` };
  }
}

@Module({ imports: [ConsensusModule], controllers: [OrdersAgent] })
export class OrdersModule {}

@Module({ imports: [ConsensusModule], controllers: [PricingAgent] })
export class PricingModule {}

@Module({ imports: [ConsensusModule], controllers: [StockAgent] })
export class StockModule {}

@Module({ controllers: [CourierAgent] })
export class CourierModule {}

@Module({ controllers: [ArchiveAgent] })
export class ArchiveModule {}

@Module({ imports: [PipelinesModule], controllers: [WeatherAgent] })
export class WeatherModule {}
