import { randomBytes } from 'node:crypto';
import { GuardedProcess } from './guarded-process.js';
import { freePort } from './ports.js';
import { probeAmqp } from './probes.js';
import { type Membership, RabbitMqNode } from './rabbitmq-node.js';
import { ThrowawayFolder } from './throwaway-folder.js';
import { until } from './wait.js';

/** Where a quorum queue is, by the names of nodes. */
export interface QueuePlacement {
  /** Undefined while none is elected. */
  readonly leader: string | undefined;
  readonly members: readonly string[];
  /** The members that take part now. */
  readonly online: readonly string[];
}

const CONFIG = ['cluster_partition_handling = pause_minority'];
const PATIENCE_MS = 60_000;

/**
 * RabbitMQ nodes of the test's own that form a cluster, in which a minority pauses. Each node can be killed and brought
 * up by itself, and cut off from the others. All end with the process that started them.
 */
export class RabbitMqCluster {
  private constructor(
    readonly nodes: readonly RabbitMqNode[],
    private readonly portMapper: GuardedProcess,
    private readonly folder: ThrowawayFolder,
  ) {}

  /** Resolves when all nodes accept connections and know of each other. */
  static async start(size = 3): Promise<RabbitMqCluster> {
    const membership = { epmd: await freePort(), cookie: randomBytes(10).toString('hex').toUpperCase() };
    const folder = ThrowawayFolder.create('epmd');
    const portMapper = await startPortMapper(membership, folder);
    const nodes: RabbitMqNode[] = [];
    const cluster = new RabbitMqCluster(nodes, portMapper, folder);
    try {
      const first = await RabbitMqNode.start({ membership, config: CONFIG });
      nodes.push(first);
      const config = [
        ...CONFIG,
        'cluster_formation.peer_discovery_backend = classic_config',
        `cluster_formation.classic_config.nodes.1 = ${first.name}`,
      ];
      const others = Array.from({ length: size - 1 }, async () => {
        nodes.push(await RabbitMqNode.start({ membership, config }));
      });
      await Promise.all(others);
      await first.ctl('await_online_nodes', String(size));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The URLs of all nodes, as a client is given them. */
  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  /**
   * Cuts a node off from the others, as a broken network between them does; clients reach all of them. Resolves when it
   * has noticed: being a minority it has closed its connections, and takes none until it is healed.
   */
  async isolate(node: RabbitMqNode): Promise<void> {
    const others = atoms(this.othersOf(node));
    // with a cookie that is not theirs neither side can connect to the other again
    await node.ctl(
      'eval',
      `[erlang:set_cookie(N, isolated) || N <- ${others}], [erlang:disconnect_node(N) || N <- ${others}].`,
    );
    await until(`${node.name} to pause`, async () => (await probeAmqp(node.url)) !== undefined, PATIENCE_MS, 100);
  }

  /** Lets a node that was cut off reach the others again. Resolves when it accepts connections and all know of each other. */
  async heal(node: RabbitMqNode): Promise<void> {
    await node.ctl('eval', `[erlang:set_cookie(N, erlang:get_cookie()) || N <- ${atoms(this.othersOf(node))}].`);
    await until(`${node.name} to return`, async () => (await probeAmqp(node.url)) === undefined, PATIENCE_MS, 100);
    await node.ctl('await_online_nodes', String(this.nodes.filter(({ running }) => running).length));
  }

  /** Asks a running node, by default the first; undefined when there is no such quorum queue. Takes a second or more. */
  async placementOf(
    queue: string,
    asked = this.nodes.find(({ running }) => running),
  ): Promise<QueuePlacement | undefined> {
    if (!asked) throw new Error('no node of the cluster runs');
    const columns = ['name', 'leader', 'members', 'online'];
    const rows = JSON.parse(await asked.ctl('list_queues', '--formatter=json', ...columns)) as ListedQueue[];
    const found = rows.find(({ name }) => name === queue);
    return found && { leader: found.leader || undefined, members: found.members || [], online: found.online || [] };
  }

  /** Resolves when the quorum queue has a leader and `online` members that take part (default: all nodes). */
  untilPlaced(queue: string, online = this.nodes.length, asked?: RabbitMqNode): Promise<QueuePlacement> {
    const placed = async (): Promise<QueuePlacement | undefined> => {
      const placement = await this.placementOf(queue, asked);
      return placement?.leader && placement.online.length === online && placement.online.includes(placement.leader)
        ? placement
        : undefined;
    };
    return until(`${queue} to have a leader and ${online} members online`, placed, PATIENCE_MS, 200);
  }

  /** The node of this name. Throws when it is none of the cluster's. */
  node(name: string): RabbitMqNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new Error(`no node of the cluster: ${name}`);
    return found;
  }

  othersOf(node: RabbitMqNode): RabbitMqNode[] {
    return this.nodes.filter((other) => other !== node);
  }

  /** Ends all nodes and removes all of them; may be called twice. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.portMapper.end('SIGKILL');
    this.folder.remove();
  }
}

/** One line of `rabbitmqctl list_queues`: what a queue does not have is an empty text. */
interface ListedQueue {
  readonly name: string;
  readonly leader: string;
  readonly members: readonly string[] | '';
  readonly online: readonly string[] | '';
}

/** One for the cluster: a node's own would die with the node, and the others would not be found any more. */
async function startPortMapper({ epmd }: Membership, folder: ThrowawayFolder): Promise<GuardedProcess> {
  const mapper = await GuardedProcess.spawn('epmd', ['-address', '127.0.0.1', '-port', String(epmd)], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: folder.path,
    logFile: folder.join('output.log'),
    folder: folder.path,
  });
  folder.noteServer(mapper.pid);
  return mapper;
}

/** An Erlang list of node names. */
const atoms = (nodes: readonly RabbitMqNode[]): string => `[${nodes.map(({ name }) => `'${name}'`).join(', ')}]`;
