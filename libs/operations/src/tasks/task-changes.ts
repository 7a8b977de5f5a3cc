import type { Tasks } from 'agentmq/coordination';
import type { Audit } from '../audit/audit.js';
import type { Actor } from '../views/changes.js';

/**
 * Ends and revives tasks for operators. The row of the audit is written right after the change, not in its transaction: what is below
 * a task ends in several.
 */
export class TaskChanges {
  constructor(
    private readonly tasks: Pick<Tasks, 'cancel' | 'retry'>,
    private readonly audit: Audit,
  ) {}

  /** Resolves with whether the task was open; rejects as `Tasks.cancel` does. */
  async cancel(actor: Actor, id: string, reason: string): Promise<boolean> {
    const isDone = await this.tasks.cancel(id, reason);
    if (isDone) await this.audit.record(actor, { action: 'task.cancel', target: id, reason, rows: 1 });
    return isDone;
  }

  /** Resolves with whether the task is queued anew; rejects as `Tasks.retry` does. */
  async retry(actor: Actor, id: string): Promise<boolean> {
    const isDone = await this.tasks.retry(id);
    if (isDone) await this.audit.record(actor, { action: 'task.retry', target: id, rows: 1 });
    return isDone;
  }
}
