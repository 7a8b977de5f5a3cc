import type { Database } from 'agentmq/database';
import type { TaskBacklog } from './task.js';

/** Counts what there is to do. */
export class BacklogStore {
  private readonly tasks: string;

  constructor(private readonly database: Database) {
    this.tasks = `"${database.schema}".tasks`;
  }

  /** Of each destination with queued or assigned tasks. */
  read(): Promise<TaskBacklog[]> {
    return this.database.query<TaskBacklog>(
      `SELECT destination, count(*) FILTER (WHERE state = 'queued')::integer AS queued,
         count(*) FILTER (WHERE state = 'assigned')::integer AS assigned
       FROM ${this.tasks} WHERE state IN ('queued', 'assigned') GROUP BY destination ORDER BY destination`,
    );
  }
}
