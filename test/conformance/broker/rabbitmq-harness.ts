import { connect, type Channel } from 'amqplib';
import { type Broker, RabbitMqBroker, type RabbitMqOptions } from 'agentmq/broker';
import type { BrokerHarness, ConnectOptions, Fragile, Owner, RestartableServer } from 'agentmq/testing/conformance';
import { amqpUrl, randomNamespace, RabbitMqNode, TcpProxy } from '../../support/index.js';

export type QueueType = 'quorum' | 'classic';

const DEAD_LETTERS = 'dead-letter';
const EXCHANGES = [DEAD_LETTERS, ...['direct', 'topic', 'broadcast'].flatMap((kind) => [kind, `${kind}.high`])];

/** A namespace of its own on the RabbitMQ that tests share; a node of its own, begun when first needed, for worse. */
export class RabbitMqHarness implements BrokerHarness {
  readonly namespace = randomNamespace('broker');
  private brokers: Broker[] = [];
  private proxies: TcpProxy[] = [];
  private readonly owners = new Map<string, Owner>();
  private ownNode: Promise<RabbitMqNode> | undefined;

  constructor(readonly queueType: QueueType) {}

  connect(options: ConnectOptions = {}): Promise<Broker> {
    return this.open(amqpUrl(), options);
  }

  async connectFragile(): Promise<Fragile> {
    const proxy = await this.proxy(amqpUrl());
    const broker = await this.open(proxy.through(amqpUrl()));
    const die = async (): Promise<void> => {
      proxy.refuse();
      proxy.cut();
    };
    return { broker, die, blip: () => proxy.cut() };
  }

  async restartable(): Promise<RestartableServer> {
    const node = await this.node();
    return {
      connect: () => this.open(node.url, { publishTimeoutMs: 30_000 }),
      restart: () => node.restart(),
      wipe: async () => {
        await node.wipe();
        await node.up();
      },
    };
  }

  node(): Promise<RabbitMqNode> {
    this.ownNode ??= RabbitMqNode.start();
    return this.ownNode;
  }

  async proxy(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = await TcpProxy.listen({ host: hostname, port: Number(port || 5672) });
    this.proxies.push(proxy);
    return proxy;
  }

  /** A broker object that is not started. */
  create(url: RabbitMqOptions['url'], options: Partial<RabbitMqOptions> = {}): RabbitMqBroker {
    const { namespace, queueType } = this;
    const broker = new RabbitMqBroker({
      url,
      namespace,
      queueType,
      reconnectMaxMs: 500,
      connectionName: 'test',
      ...options,
    });
    this.brokers.push(broker);
    this.rememberInboxes(broker);
    return broker;
  }

  async open(url: RabbitMqOptions['url'], options: Partial<RabbitMqOptions> = {}): Promise<RabbitMqBroker> {
    const broker = this.create(url, options);
    await broker.start();
    return broker;
  }

  /** As a foreign client, on a channel of its own. */
  async foreign<T>(use: (channel: Channel) => Promise<T>, url: string = amqpUrl()): Promise<T> {
    const connection = await connect(url);
    connection.on('error', () => undefined);
    try {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      const result = await use(channel);
      // Closing the connection would overtake what was published. Closed by the broker already: nothing to wait for.
      await channel.close();
      return result;
    } finally {
      await connection.close();
    }
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.close(0)));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    this.brokers = [];
    this.proxies = [];
    const queues = [...this.owners.values()].map(({ kind, name }) => `${this.namespace}.${kind}.${name}`);
    this.owners.clear();
    await this.foreign((channel) =>
      Promise.all(queues.flatMap((queue) => [channel.deleteQueue(queue), channel.deleteQueue(`${queue}.high`)])),
    );
  }

  async stop(): Promise<void> {
    await this.foreign(async (channel) => {
      await channel.deleteQueue(`${this.namespace}.${DEAD_LETTERS}`);
      for (const exchange of EXCHANGES) await channel.deleteExchange(`${this.namespace}.${exchange}`);
    });
    await (await this.ownNode)?.stop();
  }

  private rememberInboxes(broker: Broker): void {
    const consume = broker.consume.bind(broker);
    broker.consume = (inbox, ...rest) => {
      this.owners.set(`${inbox.owner.kind}.${inbox.owner.name}`, inbox.owner);
      return consume(inbox, ...rest);
    };
  }
}
