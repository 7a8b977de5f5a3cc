import type { MessageStore } from 'agentmq/message-store';
import type { TaskBacklog } from './task.js';

/** Counts what there is to do. */
export class BacklogStore {
  private readonly tasks: string;

  constructor(private readonly store: MessageStore) {
    this.tasks = `"${store.schema}".tasks`;
  }

  /** Of each destination with queued or assigned tasks. */
  read(): Promise<TaskBacklog[]> {
    return this.store.query<TaskBacklog>(
      `SELECT destination, count(*) FILTER (WHERE state = 'queued')::integer AS queued,
         count(*) FILTER (WHERE state = 'assigned')::integer AS assigned
       FROM ${this.tasks} WHERE state IN ('queued', 'assigned') GROUP BY destination ORDER BY destination`,
    );
  }
}
