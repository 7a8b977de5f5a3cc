import { setTimeout as delay } from 'node:timers/promises';
import { Body, Get, Module, Put } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, startAgent } from 'agentmq';
import { GiftOrder, NumberedOrder, Order, Refund, SHOP, Tick } from './shop-contracts.js';

/** What is sent: each kind needs a shop that takes it, sooner or later. */
export type Kind = 'order' | 'order-2' | 'order-with-gift' | 'refund' | 'steady' | 'legacy' | 'fresh';

/** What the customer does from now on. */
export interface Flow {
  readonly kinds: readonly Kind[];
  /** Messages a second, of all kinds together. */
  readonly rate: number;
}

/** How far it has come. */
export interface Sent {
  /** Of each kind: the numbers whose send has resolved. */
  readonly accepted: Readonly<Record<Kind, readonly number[]>>;
  /** What sends were rejected with. */
  readonly refused: readonly string[];
  readonly underWay: number;
}

const TURN_MS = 20;

/** Sends numbered messages of the kinds that it is told to, each number once. */
@Agent({ role: 'customer' })
class Customer {
  private flow: Flow = { kinds: [], rate: 0 };
  private next = 0;
  private due = 0;
  private underWay = 0;
  private readonly refused: string[] = [];
  private readonly accepted: Record<Kind, number[]> = {
    order: [],
    'order-2': [],
    'order-with-gift': [],
    refund: [],
    steady: [],
    legacy: [],
    fresh: [],
  };

  constructor(private readonly agents: AgentClient) {
    void this.run();
  }

  /** Resolves when what is not sent any more has been accepted or refused. */
  @Put('flow')
  async change(@Body() flow: Flow): Promise<void> {
    this.flow = flow;
    while (flow.kinds.length === 0 && this.underWay > 0) await delay(TURN_MS);
  }

  @Get('sent')
  sent(): Sent {
    const { accepted, refused, underWay } = this;
    return { accepted, refused, underWay };
  }

  private async run(): Promise<void> {
    for (;;) {
      await delay(TURN_MS);
      const { kinds, rate } = this.flow;
      this.due = kinds.length > 0 ? this.due + (rate * TURN_MS) / 1_000 : 0;
      for (; this.due >= 1; this.due--) void this.one(kinds[this.next % kinds.length] as Kind, this.next++);
    }
  }

  private async one(kind: Kind, n: number): Promise<void> {
    this.underWay++;
    try {
      await this.send(kind, n);
      this.accepted[kind].push(n);
    } catch (error) {
      this.refused.push(`${kind}: ${String(error)}`);
    } finally {
      this.underWay--;
    }
  }

  private send(kind: Kind, n: number): Promise<unknown> {
    const shop = { role: SHOP };
    switch (kind) {
      case 'order':
        return this.agents.send(shop, Order, { n, note: 'by hand' });
      case 'order-2':
        return this.agents.send(shop, NumberedOrder, { number: n });
      case 'order-with-gift':
        return this.agents.send(shop, GiftOrder, { n, gift: 'a pencil' });
      case 'refund':
        return this.agents.send(shop, Refund, { n });
      default:
        return this.agents.publish(`${kind}.${n % 7}`, Tick, { n });
    }
  }
}

@Module({ imports: [AgentModule.forRoot()], controllers: [Customer] })
class CustomerModule {}

await startAgent(CustomerModule);
