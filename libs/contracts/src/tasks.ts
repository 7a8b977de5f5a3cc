import { IsIn, IsInt, IsObject, IsOptional, IsString, Length, Min } from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** What a task can ask for; each is the name of the capability that carries it out. */
export const TASKS = ['data_analysis', 'nlp_processing'] as const;
export type TaskName = (typeof TASKS)[number];

/** Asks a coordinator to have a task carried out. The message's id is the task's. */
@Contract({ type: 'task_request', durable: true })
export class TaskRequest {
  @IsIn(TASKS)
  task!: TaskName;

  @IsObject()
  payload!: Record<string, unknown>;
}

/** How a task ended. */
@Contract({ type: 'task_result', durable: true })
export class TaskResult {
  @IsString()
  @Length(1, 128)
  taskId!: string;

  @IsIn(TASKS)
  task!: TaskName;

  @IsIn(['completed', 'failed'])
  state!: 'completed' | 'failed';

  /** Only of a completed task. */
  @IsOptional()
  @IsObject()
  result?: Record<string, unknown>;

  /** Only of a failed task: an error's code and message. */
  @IsOptional()
  @IsObject()
  error?: Record<string, unknown>;
}

/** The topic of {@link TaskResult}. */
export const TASK_RESULT_TOPIC = 'tasks.result';

/** How far a task is. Published to `tasks.progress` now and then; a missing one means nothing. */
@Contract({ type: 'task_progress', durable: false })
export class TaskProgress {
  @IsString()
  @Length(1, 128)
  taskId!: string;

  /** Rows analysed. */
  @IsInt()
  @Min(0)
  rows!: number;

  /** Bytes of the input that these rows were. */
  @IsInt()
  @Min(0)
  bytes!: number;

  /** 1, or 2 in a second pass over the input. */
  @IsInt()
  @Min(1)
  pass!: number;
}

export const TASK_PROGRESS_TOPIC = 'tasks.progress';
