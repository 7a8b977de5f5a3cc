import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from 'agentmq/database';
import type { Question } from 'agentmq/messaging';
import type { WireError } from 'agentmq/protocol';
import { resultView } from '../result.js';
import type { ResultView, TaskState } from '../task.js';

/** A task that a message has asked for, and that is settled. */
export interface AskedTask extends ResultView {
  readonly id: string;
  readonly type: string;
  readonly state: TaskState;
  readonly error: WireError | null;
  /** The message; with `replyTo` it waits for an answer. */
  readonly question: Question;
}

/** The tasks that messages have asked for, and of which nothing was told yet. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class AskedStore {
  private readonly asked: string;
  private readonly tasks: string;

  constructor(private readonly database: Database) {
    this.asked = `"${database.schema}".asked_tasks`;
    this.tasks = `"${database.schema}".tasks`;
  }

  /** Notes that a message has asked for a task. A message that comes again changes nothing. */
  async note(id: string, question: Question): Promise<void> {
    await this.database.ownQuery(
      `INSERT INTO ${this.asked} (task_id, question) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
      [id, question],
    );
  }

  /**
   * Gives settled tasks to `tell`, in a transaction in which they count as told: if it rejects they are given again, here or to
   * another process. Resolves with how many there were; at most `limit`.
   */
  async tell(
    limit: number,
    tell: (tasks: readonly AskedTask[], transaction: Transaction) => Promise<void>,
  ): Promise<number> {
    const telling = async (transaction: Transaction): Promise<number> => {
      const rows = await transaction.query<Omit<AskedTask, keyof ResultView> & { readonly result: string | null }>(
        `SELECT t.id, t.type, t.state, t.result, t.error, a.question FROM ${this.asked} a JOIN ${this.tasks} t ON t.id = a.task_id
         WHERE a.told_at IS NULL AND t.state IN ('completed', 'failed', 'cancelled')
         ORDER BY a.task_id LIMIT $1 FOR UPDATE OF a SKIP LOCKED`,
        [limit],
      );
      if (rows.length === 0) return 0;
      const tasks = rows.map(({ result, ...task }) => ({ ...task, ...resultView(result) }));
      await tell(tasks, transaction);
      await transaction.query(`UPDATE ${this.asked} SET told_at = clock_timestamp() WHERE task_id = ANY($1)`, [
        tasks.map(({ id }) => id),
      ]);
      return tasks.length;
    };
    return this.database.ownTransaction(telling, { inTurn: true });
  }
}
