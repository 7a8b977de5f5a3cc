import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { SpecialistModule } from 'agentmq/apps/specialist';
import { WorkerModule } from 'agentmq/apps/worker';
import { Consensus, Pipelines, Tasks } from 'agentmq/coordination';
import { DataAnalysis } from 'agentmq/contracts';
import { type TestApp, TestSystem } from 'agentmq/testing';
import {
  OrderPlaced,
  ParseReading,
  PriceRequest,
  RateReading,
  ReserveStock,
  ReturnLabel,
  ShipOrder,
} from './contracts.js';
import { ArchiveModule, CourierModule, OrdersModule, PricingModule, StockModule, WeatherModule } from './shop.js';

const contracts = [OrderPlaced, ReserveStock, ShipOrder, ReturnLabel, PriceRequest, ParseReading, RateReading];

/** A shop, the stock apps, and a monitor that serves the page: each an app of its own, all in this process. */
export class ConsoleSystem {
  private constructor(
    readonly system: TestSystem,
    readonly monitor: TestApp,
    readonly url: string,
  ) {}

  static async start(): Promise<ConsoleSystem> {
    const system = await TestSystem.create({
      settings: {
        coordination: { leaderHeartbeatInterval: 500, electionTimeout: 2_500 },
        registry: { heartbeatInterval: 1_000, agentTimeout: 10_000 },
      },
      apps: [
        { id: 'coordinator-1', imports: [CoordinatorModule.forRoot()] },
        { id: 'coordinator-2', imports: [CoordinatorModule.forRoot()] },
        { id: 'specialist-1', imports: [SpecialistModule.forRoot()] },
        { id: 'worker-1', imports: [WorkerModule.forRoot()] },
        { id: 'worker-2', imports: [WorkerModule.forRoot()] },
        { id: 'orders-1', imports: [OrdersModule] },
        { id: 'pricing-1', imports: [PricingModule] },
        { id: 'stock-1', imports: [StockModule] },
        { id: 'courier-1', imports: [CourierModule] },
        { id: 'courier-2', imports: [CourierModule] },
        { id: 'archive-1', imports: [ArchiveModule] },
        { id: 'weather-1', imports: [WeatherModule] },
      ],
    });
    const monitor = await system.start({
      id: 'monitor-1',
      imports: [MonitorModule.forRoot({ contracts })],
      http: {},
    });
    return new ConsoleSystem(system, monitor, await monitor.http.getUrl());
  }

  /** Resolves when it is stored. */
  async order(order: number, items: readonly string[] = ['tea', 'kettle']): Promise<string> {
    const payload = { order, customer: `customer-${order % 7}`, items: [...items] };
    return (await this.system.send({ role: 'orders' }, OrderPlaced, payload)).messageId;
  }

  /** For a role that no agent has. */
  async returned(order: number): Promise<string> {
    return (await this.system.send({ role: 'returns' }, ReturnLabel, { order })).messageId;
  }

  /** A task that a specialist has two workers carry out. Resolves with its id. */
  analysis(rows: number): Promise<string> {
    const lines = Array.from({ length: rows }, (_, row) => `city-${row % 17},${row * 7},${row % 3 ? 'yes' : ''}`);
    return this.system
      .get(Tasks)
      .submit(DataAnalysis, { csv: `city,people,coast\n${lines.join('\n')}\n`, name: 'cities.csv' });
  }

  /** Resolves with the run's id. */
  async readings(line: string): Promise<string> {
    const pipelines = this.system.get(Pipelines);
    return pipelines.start('readings', { line }, { deadline: 60_000 });
  }

  definePipeline(): void {
    this.system.get(Pipelines).define('readings', [
      { name: 'parse', contract: ParseReading },
      { name: 'rate', contract: RateReading, concurrency: 2, buffer: 10 },
    ]);
  }

  /** Resolves when it is decided. */
  async vote(subject: string): Promise<void> {
    const options = { electorate: { capability: 'review' }, rule: 'majority', quorum: 0.6, timeout: 5_000 } as const;
    await this.system.get(Consensus).collectVotes({ subject, content: { version: 7 } }, options);
  }

  close(): Promise<void> {
    return this.system.close();
  }
}
