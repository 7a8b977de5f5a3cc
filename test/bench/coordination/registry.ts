import { setTimeout as delay } from 'node:timers/promises';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { Agent, AgentModule, AgentRegistry, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { HEARTBEAT_TOPIC } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';
import { connect } from 'amqplib';
import pMap from 'p-map';
import { PostgresServer, RabbitMqNode, randomNamespace, until } from '../../support/index.js';
import { cpuSeconds } from '../process-usage.js';
import { median } from '../statistics.js';

@Agent({ role: 'member', capabilities: ['being'] })
class Member {}

interface Setting {
  /** Seconds. */
  readonly interval: number;
  readonly timeout: number;
  /** How long is counted, in seconds. */
  readonly counted: number;
}

interface Servers {
  readonly rabbitmq: RabbitMqNode;
  readonly postgres: PostgresServer;
}

const LONG: Setting = { interval: 30, timeout: 120, counted: 60 };
const SHORT: Setting = { interval: 1, timeout: 4, counted: 20 };
const STARTING_AT_ONCE = 10;
const NEWCOMERS = 10;
const WAIT_MS = 300_000;
/** On a busy machine somebody is always suspect at the shorter interval. */
const PRESENT = ['healthy', 'suspect', 'dead'] as const;

/** At the default heartbeat interval and at the shortest. */
export const measureRegistry = (agents: number, report: (text: string) => void): Promise<string> =>
  measureAt([LONG, SHORT], agents, report);

/** At the shortest interval alone. */
export const measureHeartbeats = (agents: number, report: (text: string) => void): Promise<string> =>
  measureAt([SHORT], agents, report);

/** Both servers are of this bench alone, so that all that they do is the agents' doing. */
async function measureAt(
  settings: readonly Setting[],
  agents: number,
  report: (text: string) => void,
): Promise<string> {
  const rows: string[] = [];
  for (const setting of settings) {
    const [rabbitmq, postgres] = await Promise.all([RabbitMqNode.start(), PostgresServer.start({ fsync: true })]);
    try {
      rows.push(await measure(agents, setting, { rabbitmq, postgres }, report));
    } finally {
      await Promise.all([rabbitmq.stop(), postgres.stop()]);
    }
  }
  const columns = [
    'heartbeat interval',
    'heartbeats/s on the bus',
    'of those due',
    'rows/s written',
    'rows/s read',
    'CPU of the agents',
    'a heartbeat',
    'of RabbitMQ',
    'of PostgreSQL',
    `another agent known to all, median of ${NEWCOMERS}`,
    'worst',
    'declared suspect or dead',
  ];
  return [`| ${columns.join(' | ')} |`, `|${'---:|'.repeat(columns.length)}`, ...rows].join('\n');
}

async function measure(
  agents: number,
  { interval, timeout, counted }: Setting,
  servers: Servers,
  report: (text: string) => void,
): Promise<string> {
  const namespace = randomNamespace('bench_registry');
  const store = Store.connect({ url: servers.postgres.url, namespace });
  let rowsRead = 0;
  const read = store.agents.read.bind(store.agents);
  store.agents.read = async (...asked) => {
    const snapshot = await read(...asked);
    rowsRead += snapshot.agents.length;
    return snapshot;
  };
  const start = (id: string): Promise<INestApplicationContext> => {
    class MemberModule {}
    const variables = {
      NAMESPACE: namespace,
      AMQP_URL: servers.rabbitmq.url,
      DATABASE_URL: servers.postgres.url,
      AGENT_ID: id,
      REGISTRY_HEARTBEAT_INTERVAL: String(interval),
      REGISTRY_AGENT_TIMEOUT: String(timeout),
    };
    const imports = [AgentModule.forRoot({ settings: loadSettings(variables), store })];
    const module: DynamicModule = { module: MemberModule, imports, controllers: [Member] };
    return startEmbeddedAgent(module, ['error']);
  };
  const started: INestApplicationContext[] = [];
  try {
    const begun = performance.now();
    const ids = Array.from({ length: agents }, (_, n) => `member-${n}`);
    await pMap(ids, async (id) => started.push(await start(id)), { concurrency: STARTING_AT_ONCE });
    const registries = started.map((agent) => agent.get(AgentRegistry));
    const complete = () => registries.every((registry) => registry.find({ health: PRESENT }).length === agents);
    await until('all to know all', complete, WAIT_MS, 200);
    report(`${agents} agents know each other after ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
    let given = 0;
    for (const { events } of registries)
      events.subscribe(({ kind }) => void (given += kind === 'suspect' || kind === 'dead' ? 1 : 0));
    const load = await counting(servers, store, () => rowsRead, counted * 1_000);
    report(`${load.heartbeats.toFixed(1)} heartbeats/s`);
    const times: number[] = [];
    for (let n = 0; n < NEWCOMERS; n++) times.push(await discovery(`newcomer-${n}`, registries, start, store));
    report(`known after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    const percent = (share: number): string => `${(100 * share).toFixed(1)} % of a core`;
    // the interval is the longest that an agent waits
    const due = agents / interval;
    const cpu = `${((1_000 * load.agents) / load.heartbeats).toFixed(2)} ms`;
    const [ofAgents, ...ofServers] = [load.agents, load.rabbitmq, load.postgres].map(percent);
    const known = [median(times), Math.max(...times)].map((ms) => `${ms.toFixed(0)} ms`);
    const [heartbeats, written, read] = [load.heartbeats, load.rows, load.read].map((rate) => rate.toFixed(1));
    const share = `${((100 * load.heartbeats) / due).toFixed(1)} %`;
    const columns = [heartbeats, share, written, read, ofAgents, cpu, ...ofServers, ...known, given];
    return `| ${[`${interval} s`, ...columns].join(' | ')} |`;
  } finally {
    await pMap(started, (agent) => agent.close(), { concurrency: STARTING_AT_ONCE });
    await store.database.close();
  }
}

/** What goes on in `ms`: heartbeats a second, as a queue of its own gets them, and as they are recorded; CPU as a share of one core. */
async function counting({ rabbitmq }: Servers, store: Store, rowsRead: () => number, ms: number) {
  const connection = await connect(rabbitmq.url);
  const rabbitMqPid = Number(await rabbitmq.ctl('eval', 'list_to_integer(os:getpid()).'));
  const [postmaster] = await store.database.query<{ file: string }>(`SELECT pg_read_file('postmaster.pid') AS file`);
  const postgresPid = Number.parseInt(postmaster?.file ?? '', 10);
  const used = () => [process.cpuUsage(), cpuSeconds(rabbitMqPid), cpuSeconds(postgresPid)] as const;
  const recorded = async (): Promise<number> => {
    const { agents } = await store.agents.read();
    return agents.reduce((sum, { sequence }) => sum + sequence, 0);
  };
  try {
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, `${store.database.schema}.topic`, HEARTBEAT_TOPIC);
    let heard = 0;
    await channel.consume(queue, () => void heard++, { noAck: true });
    const [rows, read] = [await recorded(), rowsRead()];
    const [[own, ofRabbitMq, ofPostgres], begun] = [used(), performance.now()];
    const first = heard;
    await delay(ms);
    const seconds = (performance.now() - begun) / 1_000;
    const { user, system } = process.cpuUsage(own);
    const [, rabbitMqAfter, postgresAfter] = used();
    return {
      heartbeats: (heard - first) / seconds,
      read: (rowsRead() - read) / seconds,
      rows: ((await recorded()) - rows) / seconds,
      agents: (user + system) / 1e6 / seconds,
      rabbitmq: (rabbitMqAfter - ofRabbitMq) / seconds,
      postgres: (postgresAfter - ofPostgres) / seconds,
    };
  } finally {
    await connection.close();
  }
}

/** From its registration, as the database has it, until the last of the others knows the newcomer, in ms; its clock is this machine's. */
async function discovery(
  id: string,
  registries: readonly AgentRegistry[],
  start: (id: string) => Promise<INestApplicationContext>,
  store: Store,
): Promise<number> {
  const known: number[] = [];
  const heard = registries.map(({ events }) =>
    events.subscribe(({ kind, agent }) => void (kind === 'joined' && agent.id === id && known.push(Date.now()))),
  );
  const newcomer = await start(id);
  try {
    await until(`all to know ${id}`, () => known.length === registries.length, WAIT_MS);
    const { agents } = await store.agents.read();
    const registered = agents.find((agent) => agent.id === id)?.registeredAt.getTime() ?? Number.NaN;
    return Math.max(...known) - registered;
  } finally {
    for (const subscription of heard) subscription.unsubscribe();
    await newcomer.close();
  }
}
