import type { Database } from 'agentmq/database';
import type { ConsumerName, StoredSubscription, SubscribedTopics } from './message-store.js';
import type { Statements } from './sql/index.js';
import { clean } from 'agentmq/database';
import { topicExpression } from './topic-expression.js';

/** Stands among the patterns for everything that is broadcast: no topic pattern is empty. */
const BROADCAST = '';

type Ended = Pick<StoredSubscription, 'consumer' | 'pattern'>;

/** Which consumers are owed what is published to topics and to all. */
export class Subscriptions {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  async subscribe(consumer: ConsumerName, patterns: readonly string[], broadcast: boolean): Promise<SubscribedTopics> {
    const name = clean(consumer);
    const wanted = patterns.map(clean);
    const expressions = wanted.map(topicExpression);
    if (broadcast) {
      wanted.push(BROADCAST);
      expressions.push(BROADCAST);
    }
    return this.database.transaction(async (transaction) => {
      await transaction.query(this.sql.lockSubscriptions);
      // A role has other instances, which may declare more; an agent is one.
      if (!name.startsWith('role.')) {
        await transaction.query(this.sql.keepSubscriptions, [name, wanted, 'the agent has started without it']);
      }
      await transaction.query(this.sql.addSubscriptions, [name, wanted, expressions]);
      return topicsOf(await transaction.query<TopicRow>(this.sql.topicsOf, [name]));
    });
  }

  async topics(consumer: ConsumerName): Promise<SubscribedTopics> {
    return topicsOf(await this.database.query<TopicRow>(this.sql.topicsOf, [clean(consumer)]));
  }

  list(consumer?: ConsumerName): Promise<StoredSubscription[]> {
    const name = consumer === undefined ? null : clean(consumer);
    return this.database.query<StoredSubscription>(this.sql.subscriptions, [name]);
  }

  async end(consumer: ConsumerName, pattern: string, reason: string): Promise<boolean> {
    const ended = await this.database.query<Ended>(this.sql.endSubscription, [consumer, pattern, reason].map(clean));
    return ended.length > 0;
  }

  moveSubscriptions(from: ConsumerName, to: ConsumerName): Promise<string[]> {
    const [old, other] = [clean(from), clean(to)];
    return this.database.transaction(async (transaction) => {
      await transaction.query(this.sql.lockSubscriptions);
      const ended = await transaction.query<Ended>(this.sql.keepSubscriptions, [old, [], `moved to ${other}`]);
      const patterns = ended.map(({ pattern }) => pattern);
      await transaction.query(this.sql.addSubscriptions, [other, patterns, patterns.map(topicExpression)]);
      return patterns;
    });
  }

  endUndeclared(liveMs: number, graceMs: number): Promise<Ended[]> {
    return this.database.transaction(async (transaction) => {
      const [turn] = await transaction.query<{ ours: boolean }>(this.sql.markUndeclared, [liveMs]);
      const reason = `no live instance of the role has declared it for ${graceMs / 1_000} s`;
      return turn?.ours ? transaction.query<Ended>(this.sql.endUndeclared, [graceMs, reason]) : [];
    });
  }

  async unsubscribe(consumer: ConsumerName): Promise<void> {
    await this.database.query(this.sql.unsubscribe, [clean(consumer)]);
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
