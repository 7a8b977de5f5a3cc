import { Database, type EmbeddedOptions, type PostgresOptions } from 'agentmq/database';
import { AgentStore } from './agents/agent-store.js';
import { DeliveryStore } from './deliveries/delivery-store.js';
import { UnhandledStore } from './deliveries/unhandled-store.js';
import { DeadLetterStore } from './history/dead-letter-store.js';
import { HistoryStore } from './history/history-store.js';
import { HopStore } from './history/hop-store.js';
import { ReplayStore } from './history/replay-store.js';
import { RetentionStore } from './history/retention-store.js';
import { OutboxStore } from './outbox/outbox-store.js';
import { SearchStore } from './search/search-store.js';
import { PauseStore } from './pauses/pause-store.js';
import { statements } from './sql/index.js';
import { SubscriptionStore } from './subscriptions/subscription-store.js';

/**
 * The stores of one namespace, and the database that they share. Their methods are each one atomic statement or transaction,
 * and reject as `Database.ownQuery` does. Times are the database's own clock. Arrays are batches: the hot statements take
 * hundreds of entries at once, in any order, and answer in the order asked.
 */
export class Store {
  readonly outbox: OutboxStore;
  readonly deliveries: DeliveryStore;
  readonly unhandled: UnhandledStore;
  readonly subscriptions: SubscriptionStore;
  readonly history: HistoryStore;
  readonly search: SearchStore;
  readonly deadLetters: DeadLetterStore;
  readonly replays: ReplayStore;
  readonly retention: RetentionStore;
  readonly hops: HopStore;
  readonly agents: AgentStore;
  readonly pauses: PauseStore;

  private constructor(readonly database: Database) {
    const sql = statements(database.schema);
    this.outbox = new OutboxStore(database, sql);
    this.deliveries = new DeliveryStore(database, sql);
    this.unhandled = new UnhandledStore(database, sql);
    this.subscriptions = new SubscriptionStore(database, sql);
    this.history = new HistoryStore(database, sql);
    this.search = new SearchStore(database, sql);
    this.deadLetters = new DeadLetterStore(database);
    this.replays = new ReplayStore(database, sql);
    this.retention = new RetentionStore(database, sql);
    this.hops = new HopStore(database, sql);
    this.agents = new AgentStore(database, sql);
    this.pauses = new PauseStore(database);
  }

  /** On a PostgreSQL server, see {@link Database.connect}. */
  static connect(options: PostgresOptions): Store {
    return new Store(Database.connect(options));
  }

  /** On a database that is open already. */
  static over(database: Database): Store {
    return new Store(database);
  }

  /** On an embedded Postgres, see {@link Database.embedded}. */
  static embedded(options: EmbeddedOptions = {}): Store {
    return new Store(Database.embedded(options));
  }
}
