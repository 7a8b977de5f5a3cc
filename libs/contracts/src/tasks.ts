import { IsIn, IsObject, IsOptional, IsString, Length } from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** Asks a coordinator to have a task carried out. The message's id is the task's. */
@Contract({ type: 'task_request', durable: true })
export class TaskRequest {
  /** The task's contract type. */
  @IsString()
  @Length(1, 128)
  task!: string;

  @IsObject()
  payload!: Record<string, unknown>;
}

/** How a task ended. */
@Contract({ type: 'task_result', durable: true })
export class TaskResult {
  @IsString()
  @Length(1, 128)
  taskId!: string;

  @IsString()
  @Length(1, 128)
  task!: string;

  @IsIn(['completed', 'failed'])
  state!: 'completed' | 'failed';

  /** Only of a completed task: what its agent returned. */
  @IsOptional()
  result?: unknown;

  /** Why there is no `result`, though there is one: it is sealed, or too large for a message. */
  @IsOptional()
  @IsString()
  resultHidden?: string;

  /** Only of a failed task: an error's code and message. */
  @IsOptional()
  @IsObject()
  error?: Record<string, unknown>;
}

/** The topic of {@link TaskResult}. */
export const TASK_RESULT_TOPIC = 'tasks.result';
