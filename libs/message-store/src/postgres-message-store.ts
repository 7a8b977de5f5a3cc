import type { Message } from 'agentmq/protocol';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Connections } from 'agentmq/database';
import {
  Database,
  DEFAULT_NAMESPACE,
  EmbeddedConnections,
  type EmbeddedOptions,
  migrate,
  schemaOf,
  ServerConnections,
  type ServerOptions,
  StoreUnavailableError,
} from 'agentmq/database';
import type {
  AgentHeartbeat,
  AgentRecord,
  AgentRegistration,
  AgentSnapshot,
  HeartbeatOutcome,
} from './agent-record.js';
import type { Transaction } from 'agentmq/database';
import {
  type AppendOptions,
  type AwaitedHandler,
  type Claim,
  type ClaimRef,
  type ClaimResult,
  type ConsumerName,
  type DeliveryRef,
  type Failure,
  type HandlerSought,
  type HopRecord,
  type MessageFilter,
  MessageStore,
  type OutboxEntry,
  type OutboxLease,
  type Refusal,
  type StuckSender,
  type Rejection,
  type ReplayBatch,
  type ReplayOptions,
  type ReplaySelection,
  type StoreCounts,
  type StoreFigures,
  type StoredMessage,
  type StoredSubscription,
  type SubscribedTopics,
  type TraceSummary,
  type UnhandledDelivery,
  type UnhandledOptions,
  type UnhandledResult,
} from './message-store.js';
import { entities } from './entities/index.js';
import { Hops } from './hops.js';
import { Reader } from './reader.js';
import { Receiver } from './receiver.js';
import { Registry } from './registry.js';
import { checkLimit } from './replay-plan.js';
import { Replayer } from './replayer.js';
import { Retention } from './retention.js';
import { Sender } from './sender.js';
import { statements } from './sql/index.js';
import { Subscriptions } from './subscriptions.js';
import { UnhandledDeliveries } from './unhandled.js';

/**
 * The message store on Postgres: a server, or the embedded one. Making it connects to nothing; the first call does,
 * and every later call finds its way back after the database was away.
 */
export class PostgresMessageStore extends MessageStore {
  /** The Postgres schema that holds everything of this namespace. */
  readonly schema: string;
  readonly transactionsAtOnce: number;
  private readonly database: Database;
  private readonly turn: LimitFunction;
  private readonly sender: Sender;
  private readonly receiver: Receiver;
  private readonly unhandledDeliveries: UnhandledDeliveries;
  private readonly subscribed: Subscriptions;
  private readonly reader: Reader;
  private readonly registry: Registry;
  private readonly replayer: Replayer;
  private readonly retention: Retention;
  private readonly recorded: Hops;

  private constructor(namespace: string, connections: Connections) {
    super();
    this.schema = schemaOf(namespace);
    this.database = new Database(this.schema, connections, entities);
    this.transactionsAtOnce = connections.transactionsAtOnce;
    this.turn = pLimit(this.transactionsAtOnce);
    const sql = statements(this.schema);
    this.sender = new Sender(this.database, sql);
    this.receiver = new Receiver(this.database, sql);
    this.unhandledDeliveries = new UnhandledDeliveries(this.database, sql);
    this.subscribed = new Subscriptions(this.database, sql);
    this.reader = new Reader(this.database, sql);
    this.registry = new Registry(this.database, sql);
    this.replayer = new Replayer(this.database);
    this.retention = new Retention(this.database, sql);
    this.recorded = new Hops(this.database, sql);
  }

  /** On a PostgreSQL server (14 or later). Connects when first used. Throws `InvalidNamespaceError`. */
  static connect(options: ServerOptions): PostgresMessageStore {
    return new PostgresMessageStore(options.namespace ?? DEFAULT_NAMESPACE, new ServerConnections(options));
  }

  /** On an embedded Postgres (PGlite), in a directory that this process alone may use. Throws `InvalidNamespaceError`. */
  static embedded(options: EmbeddedOptions = {}): PostgresMessageStore {
    return new PostgresMessageStore(options.namespace ?? DEFAULT_NAMESPACE, new EmbeddedConnections(options));
  }

  migrate(): Promise<void> {
    return migrate(this.database);
  }

  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.turn(() => this.database.callersTransaction(work));
  }

  query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return this.database.callersQuery<Row>(sql, parameters);
  }

  append(messages: readonly Message[], options: AppendOptions): Promise<OutboxLease[]> {
    return this.sender.append(messages, options);
  }

  async now(): Promise<Date> {
    const rows = await this.database.query<{ now: Date }>('SELECT clock_timestamp() AS now', []);
    return (rows[0] as { now: Date }).now;
  }

  outboxSize(atMost: number): Promise<number> {
    return this.sender.outboxSize(atMost);
  }

  takeOver(owner: string): Promise<void> {
    return this.sender.takeOver(owner);
  }

  settle(leases: readonly OutboxLease[]): Promise<void> {
    return this.sender.settle(leases);
  }

  refusals(): Promise<Refusal[]> {
    return this.sender.refusals();
  }

  stuckSenders(olderThanMs: number): Promise<StuckSender[]> {
    return this.sender.stuckSenders(olderThanMs);
  }

  postpone(leases: readonly OutboxLease[], delayMs: number, error: string, refused = false): Promise<void> {
    return this.sender.postpone(leases, delayMs, error, refused);
  }

  split(leases: readonly OutboxLease[], delayMs: number, limit: number): Promise<void> {
    return this.sender.split(leases, delayMs, limit);
  }

  leaseDue(owner: string, limit: number, leaseMs: number, skip?: readonly string[]): Promise<OutboxEntry[]> {
    return this.sender.leaseDue(owner, limit, leaseMs, skip);
  }

  record(messages: readonly Message[]): Promise<boolean[]> {
    return this.sender.record(messages);
  }

  claim(claims: readonly Claim[], owner: string, leaseMs: number): Promise<ClaimResult[]> {
    return this.receiver.claim(claims, owner, leaseMs);
  }

  renew(claims: readonly ClaimRef[], leaseMs: number): Promise<boolean[]> {
    return this.receiver.renew(claims, leaseMs);
  }

  complete(claims: readonly ClaimRef[], transaction?: Transaction): Promise<boolean[]> {
    return this.receiver.complete(claims, transaction);
  }

  fail(failures: readonly Failure[]): Promise<boolean[]> {
    return this.receiver.fail(failures);
  }

  release(claims: readonly ClaimRef[]): Promise<void> {
    return this.receiver.release(claims);
  }

  reject(rejections: readonly Rejection[]): Promise<void> {
    return this.receiver.reject(rejections);
  }

  unhandled(deliveries: readonly UnhandledDelivery[], options: UnhandledOptions): Promise<UnhandledResult[]> {
    return this.unhandledDeliveries.decide(deliveries, options);
  }

  elsewhere(
    sought: readonly HandlerSought[],
    options: Omit<UnhandledOptions, 'graceMs'>,
  ): Promise<(string | undefined)[]> {
    return this.unhandledDeliveries.elsewhere(sought, options);
  }

  /** Throws `InvalidSelectionError` for a limit that is not 1 to 10,000. */
  rouse(consumers: readonly ConsumerName[], liveMs: number, limit: number): Promise<number> {
    return this.unhandledDeliveries.rouse(consumers, liveMs, checkLimit(limit));
  }

  waitingForHandler(consumers: readonly ConsumerName[]): Promise<AwaitedHandler[]> {
    return this.unhandledDeliveries.waiting(consumers);
  }

  disown(deliveries: readonly DeliveryRef[]): Promise<void> {
    return this.unhandledDeliveries.disown(deliveries);
  }

  takeBack(deliveries: readonly DeliveryRef[]): Promise<('delivery' | 'message' | 'neither')[]> {
    return this.receiver.takeBack(deliveries);
  }

  getUnprocessed(consumer: ConsumerName, page: Pick<MessageFilter, 'limit' | 'after'> = {}): Promise<StoredMessage[]> {
    return this.reader.getUnprocessed(consumer, page);
  }

  /** Throws `InvalidSelectionError` and, for a topic that is no pattern, `InvalidMessageError`. */
  replay(selection: ReplaySelection, options: ReplayOptions = {}): Promise<ReplayBatch> {
    return this.replayer.replay(selection, options);
  }

  discard(deliveries: readonly DeliveryRef[], reason: string, transaction?: Transaction): Promise<boolean[]> {
    return this.retention.discard(deliveries, reason, transaction);
  }

  /** Throws `InvalidSelectionError` for a limit that is not 1 to 10,000. */
  expire(limit: number): Promise<number> {
    return this.retention.expire(limit);
  }

  /** Throws `InvalidSelectionError` for a limit that is not 1 to 10,000, or a negative age. */
  forget(age: { readonly settledMs: number; readonly deadMs: number }, limit: number): Promise<number> {
    return this.retention.forget(age, limit);
  }

  subscribe(consumer: ConsumerName, patterns: readonly string[], broadcast: boolean): Promise<SubscribedTopics> {
    return this.subscribed.subscribe(consumer, patterns, broadcast);
  }

  topics(consumer: ConsumerName): Promise<SubscribedTopics> {
    return this.subscribed.topics(consumer);
  }

  subscriptions(consumer?: ConsumerName): Promise<StoredSubscription[]> {
    return this.subscribed.list(consumer);
  }

  moveSubscriptions(from: ConsumerName, to: ConsumerName): Promise<string[]> {
    return this.subscribed.moveSubscriptions(from, to);
  }

  endSubscription(consumer: ConsumerName, pattern: string, reason: string): Promise<boolean> {
    return this.subscribed.end(consumer, pattern, reason);
  }

  endUndeclared(liveMs: number, graceMs: number): Promise<Pick<StoredSubscription, 'consumer' | 'pattern'>[]> {
    return this.subscribed.endUndeclared(liveMs, graceMs);
  }

  unsubscribe(consumer: ConsumerName): Promise<void> {
    return this.subscribed.unsubscribe(consumer);
  }

  find(messageId: string): Promise<StoredMessage | undefined> {
    return this.reader.find(messageId);
  }

  list(filter: MessageFilter): Promise<StoredMessage[]> {
    return this.reader.list(filter);
  }

  trace(message: Pick<Message, 'messageId' | 'trace'>): Promise<TraceSummary> {
    return this.reader.trace(message);
  }

  counts(): Promise<StoreCounts> {
    return this.reader.counts();
  }

  figures(consumers: readonly ConsumerName[], all: boolean): Promise<StoreFigures> {
    return this.reader.figures(consumers, all);
  }

  recordHops(hops: readonly HopRecord[]): Promise<void> {
    return this.recorded.record(hops);
  }

  /** Throws `InvalidSelectionError` for a limit that is not 1 to 10,000. */
  hops(traceId: string, limit: number): Promise<HopRecord[]> {
    return this.recorded.read(traceId, limit);
  }

  hopTrace(messageId: string): Promise<string | undefined> {
    return this.recorded.traceOf(messageId);
  }

  /** Throws `InvalidSelectionError` for a limit that is not 1 to 10,000, or a negative age. */
  forgetHops(ageMs: number, limit: number): Promise<number> {
    return this.recorded.forget(ageMs, limit);
  }

  registerAgent(agent: AgentRegistration): Promise<AgentRecord> {
    return this.registry.register(agent);
  }

  heartbeat(heartbeat: AgentHeartbeat): Promise<HeartbeatOutcome> {
    return this.registry.heartbeat(heartbeat);
  }

  deregisterAgent(agent: Pick<AgentRecord, 'id' | 'instance'>): Promise<void> {
    return this.registry.deregister(agent);
  }

  agents(ids?: readonly string[]): Promise<AgentSnapshot> {
    return this.registry.read(ids);
  }

  endAgents(silentMs: number): Promise<string[]> {
    return this.registry.end(silentMs);
  }

  forgetAgents(silentMs: number): Promise<void> {
    return this.registry.forget(silentMs);
  }

  async ping(): Promise<void> {
    const [row] = await this.database.query<{ readOnly: string }>(
      `SELECT current_setting('transaction_read_only') AS "readOnly"`,
      [],
    );
    if (row?.readOnly === 'on')
      throw new StoreUnavailableError('the database takes no writes: a standby, or read-only');
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
