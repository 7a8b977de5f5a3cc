import type { Database } from './database.js';
import type { ConsumerName } from './message-store.js';
import type { Statements } from './sql/index.js';
import { clean } from './text.js';
import { topicExpression } from './topic-expression.js';

/** Stands among the patterns for everything that is broadcast: no topic pattern is empty. */
const BROADCAST = '';

/** Who is owed what is published to topics and to all. */
export class Subscriptions {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  async subscribe(consumer: ConsumerName, patterns: readonly string[], broadcast: boolean): Promise<string[]> {
    const name = clean(consumer);
    const wanted = patterns.map(clean);
    const expressions = wanted.map(topicExpression);
    if (broadcast) {
      wanted.push(BROADCAST);
      expressions.push(BROADCAST);
    }
    return this.database.transaction(async (transaction) => {
      await transaction.query(this.sql.lockSubscriptions);
      const dropped = await transaction.query<{ pattern: string }>(this.sql.dropSubscriptions, [name, wanted]);
      await transaction.query(this.sql.addSubscriptions, [name, wanted, expressions]);
      return dropped.map(({ pattern }) => pattern).filter((pattern) => pattern !== BROADCAST);
    });
  }

  async unsubscribe(consumer: ConsumerName): Promise<void> {
    await this.database.query(this.sql.unsubscribe, [clean(consumer)]);
  }
}
