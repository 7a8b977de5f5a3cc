import type { BrokerHarness, ConnectOptions, Fragile, RestartableServer } from 'agentmq/testing/conformance';
import { type Broker, MemoryBroker, MemoryHub } from 'agentmq/broker';

/** All brokers of a test on one hub, except where a limit asks for another one. */
export class MemoryHarness implements BrokerHarness {
  private hub = new MemoryHub();
  private brokers: Broker[] = [];

  async connect({ maxQueueSize }: ConnectOptions = {}): Promise<Broker> {
    return this.open(maxQueueSize === undefined ? this.hub : new MemoryHub({ maxQueueSize }));
  }

  async connectFragile(): Promise<Fragile> {
    const broker = await this.open(this.hub);
    return { broker, die: async () => broker.crash(), blip: () => this.hub.restart() };
  }

  async restartable(): Promise<RestartableServer> {
    const hub = new MemoryHub();
    return {
      connect: () => this.open(hub),
      restart: async () => hub.restart(),
      wipe: async () => hub.wipe(),
    };
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.close(0)));
    this.brokers = [];
    this.hub = new MemoryHub();
  }

  async stop(): Promise<void> {}

  private async open(hub: MemoryHub): Promise<MemoryBroker> {
    const broker = new MemoryBroker(hub);
    this.brokers.push(broker);
    await broker.start();
    return broker;
  }
}
