import { PostgresServer, RabbitMqCluster, RabbitMqNode } from '../support/index.js';

/** Servers that a fault does something to, and that no one else may therefore use. */
export type Need = 'rabbitmq' | 'postgres' | 'cluster';

/** Servers that others use too, for faults that do them no harm. */
export interface SharedServers {
  readonly amqpUrl: string;
  readonly databaseUrl: string;
}

/** The servers of one run of faults: each is started when a fault needs it, and serves those after it too. */
export class Servers {
  private node: Promise<RabbitMqNode> | undefined;
  private nodes: Promise<RabbitMqCluster> | undefined;
  private database: Promise<PostgresServer> | undefined;

  constructor(private readonly shared?: SharedServers) {}

  /** A node to do anything to, which takes messages of up to 2.5 MB. */
  rabbitmq(): Promise<RabbitMqNode> {
    return (this.node ??= RabbitMqNode.start({ config: ['max_message_size = 2500000'] }));
  }

  /** Three nodes to do anything to. */
  cluster(): Promise<RabbitMqCluster> {
    return (this.nodes ??= RabbitMqCluster.start());
  }

  /** A server to do anything to; what it has committed survives SIGKILL, though not the loss of power. */
  postgres(): Promise<PostgresServer> {
    return (this.database ??= PostgresServer.start({ settings: { synchronous_commit: 'on' } }));
  }

  /** Where RabbitMQ answers, for a fault with these needs: a URL, or several of a cluster with commas between them. */
  async amqpUrl(needs: readonly Need[]): Promise<string> {
    if (needs.includes('cluster')) return (await this.cluster()).urls.join(',');
    return !needs.includes('rabbitmq') && this.shared ? this.shared.amqpUrl : (await this.rabbitmq()).url;
  }

  async databaseUrl(needs: readonly Need[]): Promise<string> {
    return !needs.includes('postgres') && this.shared ? this.shared.databaseUrl : (await this.postgres()).url;
  }

  async close(): Promise<void> {
    const started = [this.node, this.nodes, this.database];
    await Promise.allSettled(started.map(async (server) => (await server)?.stop()));
  }
}
