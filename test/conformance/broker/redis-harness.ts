import type { RedisClientType } from '@redis/client';
import { type Broker, RedisBroker, type RedisOptions } from 'agentmq/broker';
import type { BrokerHarness, ConnectOptions, Fragile, RestartableServer } from 'agentmq/testing/conformance';
import { createRedisClient, randomNamespace, RedisServer, redisUrl, TcpProxy } from '../../support/index.js';

/** A namespace of its own on the Redis that tests share; a server of its own, begun when first needed, for worse. */
export class RedisHarness implements BrokerHarness {
  readonly namespace = randomNamespace('broker');
  private brokers: Broker[] = [];
  private proxies: TcpProxy[] = [];
  private ownServer: Promise<RedisServer> | undefined;

  connect(options: ConnectOptions = {}): Promise<Broker> {
    return this.open(redisUrl(), options);
  }

  async connectFragile(): Promise<Fragile> {
    const proxy = await this.proxy(redisUrl());
    const broker = await this.open(proxy.through(redisUrl()));
    const die = async (): Promise<void> => {
      proxy.refuse();
      proxy.cut();
    };
    return { broker, die, blip: () => proxy.cut() };
  }

  async restartable(): Promise<RestartableServer> {
    const server = await this.server();
    return {
      connect: () => this.open(server.url, { publishTimeoutMs: 30_000 }),
      restart: () => server.restart(),
      wipe: async () => {
        await server.wipe();
        await server.up();
      },
    };
  }

  server(): Promise<RedisServer> {
    this.ownServer ??= RedisServer.start();
    return this.ownServer;
  }

  async proxy(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = await TcpProxy.listen({ host: hostname, port: Number(port || 6379) });
    this.proxies.push(proxy);
    return proxy;
  }

  /** A broker object that is not started. */
  create(url: RedisOptions['url'], options: Partial<RedisOptions> = {}): RedisBroker {
    const { namespace } = this;
    const broker = new RedisBroker({
      url,
      namespace,
      reconnectMaxMs: 500,
      leaseMs: 1_500,
      connectionName: 'test',
      ...options,
    });
    this.brokers.push(broker);
    return broker;
  }

  async open(url: RedisOptions['url'], options: Partial<RedisOptions> = {}): Promise<RedisBroker> {
    const broker = this.create(url, options);
    await broker.start();
    return broker;
  }

  /** The name of a key or a channel of the namespace. */
  key(name: string): string {
    return `{${this.namespace}}.${name}`;
  }

  /** As a foreign client. */
  async foreign<T>(use: (client: RedisClientType) => Promise<T>, url: string = redisUrl()): Promise<T> {
    const client: RedisClientType = createRedisClient({ url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await use(client);
    } finally {
      client.destroy();
    }
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.close(0)));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    this.brokers = [];
    this.proxies = [];
    await this.foreign(async (client) => {
      const pattern = `${this.key('').replace('{', '\\{').replace('}', '\\}')}*`;
      for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: 1_000 })) {
        if (keys.length > 0) await client.del(keys);
      }
    });
  }

  async stop(): Promise<void> {
    await (await this.ownServer)?.stop();
  }
}
