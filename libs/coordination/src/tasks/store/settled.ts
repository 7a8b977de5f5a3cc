import { shortened, type WireError } from 'agentmq/protocol';
import type { TaskState } from '../task.js';

/** A task by the assignment that gave it to an agent. */
export interface TaskRef {
  readonly id: string;
  readonly assignment: string;
}

/** A task that has been settled just now, by this very call. */
export interface SettledTask {
  readonly id: string;
  readonly state: TaskState;
  readonly submitter: string;
}

/** In characters. */
const MOST_OF_A_REASON = 1_000;

export const cancelledBy = (reason: string): WireError => ({
  name: 'TaskCancelledError',
  code: 'TASK_CANCELLED',
  message: shortened(reason, MOST_OF_A_REASON),
  retryable: false,
});

/** What cancels the parts of what is settled. */
export const WHOLE_SETTLED = cancelledBy('what it was a part of is settled');
