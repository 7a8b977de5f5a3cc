import { type Bus, type OwnBroker, PostgresServer, RabbitMqCluster } from '../support/index.js';

/** Servers that a fault does something to, and that no one else may therefore use; `cluster` is one of RabbitMQ nodes. */
export type Need = 'broker' | 'postgres' | 'cluster';

/** Servers that others use too, for faults that do them no harm. */
export interface SharedServers {
  readonly brokerUrl: string;
  readonly databaseUrl: string;
}

/** The servers of one run of faults: each is started when a fault needs it, and serves those after it too. */
export class Servers {
  private own: Promise<OwnBroker> | undefined;
  private nodes: Promise<RabbitMqCluster> | undefined;
  private database: Promise<PostgresServer> | undefined;

  constructor(
    readonly bus: Bus,
    private readonly shared?: SharedServers,
  ) {}

  /** A broker to do anything to; where brokers have such a limit, too small for the largest message that a sender can send. */
  broker(): Promise<OwnBroker> {
    return (this.own ??= this.bus.start({ maxMessageBytes: 2_500_000 }));
  }

  /** Three nodes to do anything to. */
  cluster(): Promise<RabbitMqCluster> {
    return (this.nodes ??= RabbitMqCluster.start());
  }

  /** A server to do anything to; what it has committed survives SIGKILL, though not the loss of power. */
  postgres(): Promise<PostgresServer> {
    return (this.database ??= PostgresServer.start({ settings: { synchronous_commit: 'on' } }));
  }

  /** Where the broker answers, for a fault with these needs: a URL, or several of a cluster with commas between them. */
  async brokerUrl(needs: readonly Need[]): Promise<string> {
    if (needs.includes('cluster')) return (await this.cluster()).urls.join(',');
    return !needs.includes('broker') && this.shared ? this.shared.brokerUrl : (await this.broker()).url;
  }

  async databaseUrl(needs: readonly Need[]): Promise<string> {
    return !needs.includes('postgres') && this.shared ? this.shared.databaseUrl : (await this.postgres()).url;
  }

  async close(): Promise<void> {
    const started = [this.own, this.nodes, this.database];
    await Promise.allSettled(started.map(async (server) => (await server)?.stop()));
  }
}
