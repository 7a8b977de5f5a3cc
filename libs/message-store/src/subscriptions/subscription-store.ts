import { clean, type Database, type Transaction } from 'agentmq/database';
import type { ConsumerName } from '../deliveries/delivery.js';
import type { AlsoInTransaction } from '../history/replay-selection.js';
import type { Statements } from '../sql/index.js';
import { topicExpression } from './topic-expression.js';

/** Stands among the patterns for everything that is broadcast: no topic pattern is empty. */
const BROADCAST = '';

type Ended = Pick<StoredSubscription, 'consumer' | 'pattern'>;

/** What a consumer's inbox is bound to. */
export interface SubscribedTopics {
  readonly topics: readonly string[];
  /** Patterns that it had before, and has no more. */
  readonly dropped: readonly string[];
  /** Those of the dropped ones that ended for want of a live instance that declares them. */
  readonly undeclared: readonly string[];
}

export interface StoredSubscription {
  readonly consumer: ConsumerName;
  /** Of topics; '' for broadcasts. */
  readonly pattern: string;
  readonly since: Date;
  /** Since when the role has had live instances of which none declares it. */
  readonly undeclaredSince: Date | null;
  readonly endedAt: Date | null;
  /** Why it has ended. */
  readonly reason: string | null;
}

/** Which consumers are owed what is published to topics and to all. */
export class SubscriptionStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /**
   * From now on the consumer is owed what is published to topics that the patterns match and, if `broadcast`, what is
   * broadcast. Patterns that it had keep the time they began. A role keeps those that it had beside these: others of its
   * instances may declare them. An agent does not: it is one. Resolves with all that the consumer has now.
   */
  async subscribe(consumer: ConsumerName, patterns: readonly string[], broadcast: boolean): Promise<SubscribedTopics> {
    const name = clean(consumer);
    const wanted = patterns.map(clean);
    const expressions = wanted.map(topicExpression);
    if (broadcast) {
      wanted.push(BROADCAST);
      expressions.push(BROADCAST);
    }
    return this.database.ownTransaction(async (transaction) => {
      await transaction.query(this.sql.lockSubscriptions);
      // A role has other instances, which may declare more; an agent is one.
      if (!name.startsWith('role.')) {
        await transaction.query(this.sql.keepSubscriptions, [name, wanted, 'the agent has started without it']);
      }
      await transaction.query(this.sql.addSubscriptions, [name, wanted, expressions]);
      return topicsOf(await transaction.query<TopicRow>(this.sql.topicsOf, [name]));
    });
  }

  /** The topics of a consumer. */
  async topics(consumer: ConsumerName): Promise<SubscribedTopics> {
    return topicsOf(await this.database.ownQuery<TopicRow>(this.sql.topicsOf, [clean(consumer)]));
  }

  /** Of a consumer, or of all: topics (and '' for broadcasts), and what has ended. */
  list(consumer?: ConsumerName): Promise<StoredSubscription[]> {
    const name = consumer === undefined ? null : clean(consumer);
    return this.database.ownQuery<StoredSubscription>(this.sql.subscriptions, [name]);
  }

  /** Ends a subscription at once, on record, until an instance that declares it starts. False when there is none. */
  async end(consumer: ConsumerName, pattern: string, reason: string, transaction?: Transaction): Promise<boolean> {
    const parameters = [consumer, pattern, reason].map(clean);
    const ended = await this.database.ownQuery<Ended>(this.sql.endSubscription, parameters, transaction);
    return ended.length > 0;
  }

  /**
   * What a consumer is subscribed to becomes another one's; of an agent, broadcasts end. Resolves with the topics moved. `also` is
   * carried out in the same transaction, unless there are none.
   */
  move(from: ConsumerName, to: ConsumerName, also?: AlsoInTransaction): Promise<string[]> {
    const [old, other] = [clean(from), clean(to)];
    return this.database.ownTransaction(async (transaction) => {
      await transaction.query(this.sql.lockSubscriptions);
      const ended = await transaction.query<Ended>(this.sql.keepSubscriptions, [old, [], `moved to ${other}`]);
      const patterns = ended.map(({ pattern }) => pattern);
      await transaction.query(this.sql.addSubscriptions, [other, patterns, patterns.map(topicExpression)]);
      if (also && patterns.length > 0) await also(transaction, patterns.length);
      return patterns;
    });
  }

  /**
   * Ends, on record, the patterns of roles that have had live instances (heard of in the last `liveMs`), of which none has
   * declared it, for `graceMs`. While a role has no live instance nothing of it ends. One process at a time does it;
   * resolves with what it ended.
   */
  endUndeclared(liveMs: number, graceMs: number): Promise<Ended[]> {
    return this.database.ownTransaction(async (transaction) => {
      const [turn] = await transaction.query<{ ours: boolean }>(this.sql.markUndeclared, [liveMs]);
      const reason = `no live instance of the role has declared it for ${graceMs / 1_000} s`;
      return turn?.ours ? transaction.query<Ended>(this.sql.endUndeclared, [graceMs, reason]) : [];
    });
  }

  /** The consumer is owed nothing more. */
  async unsubscribe(consumer: ConsumerName): Promise<void> {
    await this.database.ownQuery(this.sql.unsubscribe, [clean(consumer)]);
  }
}

interface TopicRow {
  readonly pattern: string;
  readonly ended: boolean;
  readonly undeclared: boolean;
}

const topicsOf = (rows: readonly TopicRow[]): SubscribedTopics => {
  const patternsOf = (which: (row: TopicRow) => boolean): string[] => rows.filter(which).map(({ pattern }) => pattern);
  return {
    topics: patternsOf(({ ended }) => !ended),
    dropped: patternsOf(({ ended }) => ended),
    undeclared: patternsOf(({ undeclared }) => undeclared),
  };
};
