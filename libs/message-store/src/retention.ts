import { shortened } from 'agentmq/protocol';
import type { Database } from 'agentmq/database';
import { expired } from './delivery-error.js';
import { clean, InvalidSelectionError } from 'agentmq/database';
import { historyLock } from './history-lock.js';
import type { Transaction } from 'agentmq/database';
import type { DeliveryRef } from './message-store.js';
import { checkLimit } from './replay-plan.js';
import { refParameters } from './ref-parameters.js';
import type { Statements } from './sql/index.js';

const EXPIRED = expired('before it was handled');

/** In characters. */
const MOST_OF_A_REASON = 1_000;

/** The fewest messages that one statement of `forget` looks at: a few that must stay don't make it many statements. */
const LEAST_READ = 1000;

interface ForgetRow {
  readonly forgotten: number;
  readonly storedAt: string | null;
  readonly messageId: string | null;
}

/** What comes to its end without a handler: dead letters discarded, deliveries out of time, history. */
export class Retention {
  /** How far `forget` got: messages that must stay are passed by once, not by every batch. */
  private reached: Pick<ForgetRow, 'storedAt' | 'messageId'> | undefined;

  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  async discard(deliveries: readonly DeliveryRef[], reason: string, transaction?: Transaction): Promise<boolean[]> {
    if (deliveries.length === 0) return [];
    const parameters = [...refParameters(deliveries), clean(shortened(reason, MOST_OF_A_REASON))];
    const rows = await this.database.query<{ dead: boolean }>(this.sql.discard, parameters, transaction);
    return rows.map(({ dead }) => dead);
  }

  async expire(limit: number): Promise<number> {
    const [row] = await this.database.query<{ expired: number }>(this.sql.expire, [checkLimit(limit), EXPIRED]);
    return row?.expired ?? 0;
  }

  async forget(age: { readonly settledMs: number; readonly deadMs: number }, limit: number): Promise<number> {
    checkLimit(limit);
    for (const field of ['settledMs', 'deadMs'] as const) {
      if (!(age[field] >= 0 && Number.isFinite(age[field])))
        throw new InvalidSelectionError(field, `${age[field]} is not a number of ms`);
    }
    let forgotten = 0;
    do {
      const left = limit - forgotten;
      const { storedAt = null, messageId = null } = this.reached ?? {};
      const row = await this.forgetOnce([
        age.settledMs,
        age.deadMs,
        Math.max(left, LEAST_READ),
        storedAt,
        messageId,
        left,
      ]);
      forgotten += row.forgotten;
      this.reached = row.storedAt === null ? undefined : row;
    } while (this.reached && forgotten < limit);
    return forgotten;
  }

  private async forgetOnce(parameters: readonly unknown[]): Promise<ForgetRow> {
    const [row] = await this.database.transaction(async (transaction) => {
      await historyLock(transaction, this.database.schema, 'alone');
      return transaction.query<ForgetRow>(this.sql.forget, parameters);
    });
    return row ?? { forgotten: 0, storedAt: null, messageId: null };
  }
}
