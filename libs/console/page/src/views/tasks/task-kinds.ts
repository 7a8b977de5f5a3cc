import type { TaskState } from 'agentmq/coordination';
import type { Kind } from '../../ui/basics.js';

export const taskKinds: Readonly<Record<TaskState | 'pending', Kind>> = {
  pending: 'idle',
  queued: 'idle',
  assigned: 'busy',
  running: 'busy',
  completed: 'good',
  failed: 'bad',
  cancelled: 'idle',
};

export const isSettled = (state: TaskState | 'pending'): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';
