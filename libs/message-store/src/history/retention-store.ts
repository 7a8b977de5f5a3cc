import type { Database } from 'agentmq/database';
import { checkLimit, checkMs } from '../checks.js';
import { expired } from '../deliveries/delivery-error.js';
import type { Statements } from '../sql/index.js';
import { historyLock } from './history-lock.js';

const EXPIRED = expired('before it was handled');

/** The fewest messages that one statement of `forget` looks at: a few that must stay don't make it many statements. */
const LEAST_READ = 1000;

interface ForgetRow {
  readonly forgotten: number;
  readonly storedAt: string | null;
  readonly messageId: string | null;
}

/** What ends by its age: deliveries out of time, and history. Throws `InvalidSelectionError` for a limit that is not 1 to 10,000. */
export class RetentionStore {
  /** How far `forget` got: messages that must stay are passed by once, not by every batch. */
  private reached: Pick<ForgetRow, 'storedAt' | 'messageId'> | undefined;

  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /**
   * Settles as `expired` what is owed, unclaimed and out of time, and on its way nowhere; at most `limit`. Resolves with how
   * many: one process at a time does it, the others get 0.
   */
  async expire(limit: number): Promise<number> {
    const [row] = await this.database.ownQuery<{ expired: number }>(this.sql.expire, [checkLimit(limit), EXPIRED]);
    return row?.expired ?? 0;
  }

  /**
   * Deletes messages stored longer ago than `settledMs` with everything about them, if every delivery was settled as
   * long ago and none is a dead letter younger than `deadMs` that is not discarded. At most `limit`; resolves with how many.
   */
  async forget(age: { readonly settledMs: number; readonly deadMs: number }, limit: number): Promise<number> {
    checkLimit(limit);
    checkMs('settledMs', age.settledMs);
    checkMs('deadMs', age.deadMs);
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
    const [row] = await this.database.ownTransaction(async (transaction) => {
      await historyLock(transaction, this.database.schema, 'alone');
      return transaction.query<ForgetRow>(this.sql.forget, parameters);
    });
    return row ?? { forgotten: 0, storedAt: null, messageId: null };
  }
}
