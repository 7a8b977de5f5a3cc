import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type InboxAt,
  type OwnBroker,
  type PostgresServer,
  type RabbitMqCluster,
  randomNamespace,
  TcpProxy,
  until,
} from '../support/index.js';
import { type AgentProcess, ConsumerProcess, NeighbourProcess, SenderProcess } from './agent-process.js';
import { type JournalEntries, readJournals } from './journal.js';
import { Ledger } from './ledger.js';
import { CONSUMER } from './numbered.js';
import type { Need, Servers } from './servers.js';

export type Form = 'short' | 'long';

/** What a scene is told about its fault. */
export interface Setting {
  readonly form: Form;
  readonly needs: readonly Need[];
  readonly messages: number;
  readonly quietWithinMs: number;
}

/** Numbers of one load are below those of the next. */
const NUMBERS_PER_LOAD = 1_000_000;

/** Where one fault takes place: a namespace on real servers, the processes in it, and what is known about the numbers. */
export class Scene {
  readonly notes: string[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'faults-'));
  private readonly journals: string[] = [];
  private readonly processes: AgentProcess[] = [];
  private readonly proxies: TcpProxy[] = [];
  private loads = 0;
  private healedAt: number | undefined;

  private constructor(
    private readonly setting: Setting,
    private readonly servers: Servers,
    readonly brokerUrl: string,
    readonly databaseUrl: string,
    readonly ledger: Ledger,
  ) {}

  /** Resolves when the servers run and the namespace's schema is there. */
  static async open(setting: Setting, servers: Servers): Promise<Scene> {
    const { needs } = setting;
    const [brokerUrl, databaseUrl] = await Promise.all([servers.brokerUrl(needs), servers.databaseUrl(needs)]);
    const ledger = await Ledger.open(databaseUrl, randomNamespace('faults'));
    return new Scene(setting, servers, brokerUrl, databaseUrl, ledger);
  }

  get form(): Form {
    return this.setting.form;
  }

  /** About how many messages are to be sent. */
  get messages(): number {
    return this.setting.messages;
  }

  get namespace(): string {
    return this.ledger.namespace;
  }

  /** The fault's own broker. */
  broker(): Promise<OwnBroker> {
    return this.servers.broker();
  }

  /** The fault's own cluster. */
  cluster(): Promise<RabbitMqCluster> {
    return this.servers.cluster();
  }

  /** The fault's own database server. */
  postgres(): Promise<PostgresServer> {
    return this.servers.postgres();
  }

  /** A proxy in front of the broker: `brokerThrough` leads a process through it. */
  async proxyBroker(): Promise<TcpProxy> {
    const proxy = await TcpProxy.before(this.brokerUrl);
    this.proxies.push(proxy);
    return proxy;
  }

  /** The environment of a process that reaches the broker through a proxy. `quick`: it soon finds that a connection is dead. */
  brokerThrough(proxy: TcpProxy, quick?: boolean): Record<string, string> {
    return this.servers.bus.environment(proxy.through(this.brokerUrl), quick);
  }

  /** The environment of a process that, or whose broker, soon finds that a connection is dead. */
  get quickBroker(): Record<string, string> {
    return this.servers.bus.environment(this.brokerUrl, true);
  }

  /** Starts a sender; resolves when it is ready. */
  async sender(id: string, env: Record<string, string> = {}): Promise<SenderProcess> {
    const journal = join(this.folder, `${id}.journal`);
    this.journals.push(journal);
    const nextNumber = (): number => NUMBERS_PER_LOAD * ++this.loads;
    return this.keep(await SenderProcess.start(id, { ...this.environment(id), JOURNAL: journal, ...env }, nextNumber));
  }

  /** Starts a consumer; resolves when messages flow, or with `patient: false` at once. */
  async consumer(id: string, env: Record<string, string> = {}, patient = true): Promise<ConsumerProcess> {
    return this.keep(await ConsumerProcess.start(id, { ...this.environment(id), ...env }, patient));
  }

  /** Starts a process that lives beside the numbers; resolves when messages flow. An empty `AGENT_ID` makes its id random. */
  async neighbour(id: string, env: Record<string, string> = {}): Promise<NeighbourProcess> {
    return this.keep(await NeighbourProcess.start(id, { ...this.environment(id), ...env }));
  }

  /** A journal for what the fault sends by itself. */
  journal(name: string): string {
    const path = join(this.folder, `${name}.journal`);
    this.journals.push(path);
    return path;
  }

  /** Messages that wait in the consumers' inbox; 0 when it does not exist. */
  queued(): Promise<number> {
    return this.servers.bus.waiting(this.inbox);
  }

  /** Does something to the consumers' inbox as an operator; resolves with how many messages it cost. */
  async lose(how: 'purge' | 'delete'): Promise<void> {
    const lost = await this.servers.bus.lose(this.inbox, how);
    this.note(`${lost.toLocaleString('en')} messages were taken out of the queue`);
  }

  /** Removes all that is at the broker, as an operator. */
  loseAll(): Promise<void> {
    const consumers = [CONSUMER, 'role.sender', ...this.processes.map(({ id }) => `agent.${id}`)];
    return this.servers.bus.clear(this.brokerUrl, this.namespace, consumers);
  }

  /** Resolves when so many messages are completed. */
  async untilCompleted(count: number, timeoutMs = 60_000): Promise<void> {
    await until(`${count} completed`, () => atLeast(count, this.ledger.completed()), timeoutMs, 50);
  }

  /** From here on the time to quiet is measured; the end of the fault's `run` unless it is said before. */
  healed(): void {
    this.healedAt ??= performance.now();
  }

  note(line: string): void {
    this.notes.push(line);
  }

  /** Resolves, when nothing is left to do, with the ms since the healing. */
  async quiet(): Promise<number> {
    this.healed();
    const since = this.healedAt ?? 0;
    const nothingLeft = async (): Promise<boolean> => {
      const { outbox, open } = await this.ledger.backlog();
      return outbox === 0 && open === 0 && (await this.queued()) === 0;
    };
    await until('quiet', () => nothingLeft().catch(() => false), this.setting.quietWithinMs, 100);
    return performance.now() - since;
  }

  /** Stops every process that runs, as an orchestrator does. */
  async stopProcesses(): Promise<void> {
    for (const each of this.processes) each.resume();
    await Promise.all(this.processes.filter(({ running }) => running).map((each) => each.stop()));
  }

  sent(): JournalEntries {
    return readJournals(this.journals);
  }

  /** The end of what each process wrote. */
  outputs(): string {
    return this.processes.map((each) => `--- ${each.id}\n${each.output().slice(-3_000)}`).join('\n');
  }

  /** Kills what still runs, and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all(this.processes.map((each) => each.kill()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.loseAll().catch(() => undefined);
    await this.ledger.remove().catch(() => this.ledger.close());
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get inbox(): InboxAt {
    return { url: this.brokerUrl, namespace: this.namespace, consumer: CONSUMER };
  }

  private environment(id: string): Record<string, string> {
    return {
      NAMESPACE: this.namespace,
      ...this.servers.bus.environment(this.brokerUrl),
      DATABASE_URL: this.databaseUrl,
      AGENT_ID: id,
      MESSAGE_BUS_MAX_QUEUE_SIZE: '20000',
      SHUTDOWN_TIMEOUT: '10',
      MESSAGE_STORE_LEASE: '3',
      // so that a fault which is not about replay is not healed by it
      MESSAGE_STORE_REPLAY_INTERVAL: '3600',
      LOG_LEVEL: 'warn',
    };
  }

  private keep<P extends AgentProcess>(process: P): P {
    this.processes.push(process);
    return process;
  }
}

const atLeast = async (least: number, count: Promise<number>): Promise<boolean> =>
  (await count.catch(() => 0)) >= least;
