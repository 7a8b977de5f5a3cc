import { ArrayMaxSize, IsIn, IsString, Length } from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** The most tasks of one notice. */
export const MAX_NOTICED_TASKS = 1_000;

/** Tells of tasks whose state has changed. It may be lost: what waits for a task also reads its row now and then. */
@Contract({ type: 'task_notice', durable: false })
export class TaskNotice {
  /** `queued`: to be assigned; `settled`: completed or failed; `cancelled`: the agent that has it may stop. */
  @IsIn(['queued', 'settled', 'cancelled'])
  kind!: 'queued' | 'settled' | 'cancelled';

  @IsString({ each: true })
  @Length(1, 128, { each: true })
  @ArrayMaxSize(MAX_NOTICED_TASKS)
  taskIds!: string[];
}
