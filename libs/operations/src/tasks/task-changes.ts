import type { TaskOf, Tasks, TaskTypes } from 'agentmq/coordination';
import type { Database } from 'agentmq/database';
import { newMessageId } from 'agentmq/protocol';
import type { Audit } from '../audit/audit.js';
import type { Actor } from '../views/changes.js';

/** Submits, ends and revives tasks for operators. */
export class TaskChanges {
  constructor(
    private readonly tasks: Pick<Tasks, 'cancel' | 'retry'>,
    private readonly types: Pick<TaskTypes, 'submit'>,
    private readonly database: Database,
    private readonly audit: Audit,
  ) {}

  /**
   * Resolves with the id of the task once it is committed; one that is on record with its idempotency key is not submitted again. Rejects as
   * `TaskTypes.submit` does.
   */
  async submit(actor: Actor, task: Omit<TaskOf, 'id' | 'transaction'>): Promise<string> {
    const id = newMessageId();
    return this.database.ownTransaction(
      async (transaction) => {
        const written = await this.types.submit({ ...task, id, transaction });
        const entry = { action: 'task.submit', target: id, rows: 1 };
        if (written === id) await this.audit.record(actor, entry, transaction);
        return written;
      },
      { inTurn: true },
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
