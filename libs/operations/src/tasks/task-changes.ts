import type { TaskOf, Tasks, TaskTypes } from 'agentmq/coordination';
import type { Database } from 'agentmq/database';
import { newMessageId } from 'agentmq/protocol';
import pLimit from 'p-limit';
import type { Audit } from '../audit/audit.js';
import type { Actor } from '../views/changes.js';

/** Submissions that have a connection at once. */
const SUBMITTING = 4;

/** Submits, ends and revives tasks for operators. */
export class TaskChanges {
  private readonly inTurn = pLimit(SUBMITTING);

  constructor(
    private readonly tasks: Pick<Tasks, 'cancel' | 'retry'>,
    private readonly types: Pick<TaskTypes, 'checked'>,
    private readonly database: Database,
    private readonly audit: Audit,
  ) {}

  /**
   * Resolves with the id of the task once it is committed; one that is on record with its idempotency key is not submitted again. Rejects as
   * `TaskTypes.submit` does.
   */
  async submit(actor: Actor, task: TaskOf): Promise<string> {
    const submit = await this.types.checked(task);
    const id = newMessageId();
    return this.inTurn(() =>
      this.database.ownTransaction(async (transaction) => {
        const written = await submit({ id, transaction });
        const entry = { action: 'task.submit', target: id, rows: 1 };
        if (written === id) await this.audit.record(actor, entry, transaction);
        return written;
      }),
    );
  }

  /**
   * Resolves with whether the task was open; rejects as `Tasks.cancel` does. The row of the audit is written right after the change: what is
   * below a task ends in several transactions.
   */
  async cancel(actor: Actor, id: string, reason: string): Promise<boolean> {
    const isDone = await this.tasks.cancel(id, reason);
    if (isDone) await this.audit.record(actor, { action: 'task.cancel', target: id, reason, rows: 1 });
    return isDone;
  }

  /** Resolves with whether the task is queued anew; rejects as `Tasks.retry` does. */
  retry(actor: Actor, id: string): Promise<boolean> {
    return this.database.ownTransaction(async (transaction) => {
      const isDone = await this.tasks.retry(id, { transaction });
      if (isDone) await this.audit.record(actor, { action: 'task.retry', target: id, rows: 1 }, transaction);
      return isDone;
    });
  }
}
