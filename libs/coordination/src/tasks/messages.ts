import { Type } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsString, Length, ValidateNested } from 'class-validator';
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

/** What an agent needs to begin a task: the rest it reads as it begins. */
export class AssignedRef {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  @Length(1, 128)
  assignment!: string;
}

/** Tells an agent that tasks have been assigned to it. It may be lost: the leader tells again of what is not begun. */
@Contract({ type: 'task_assigned', durable: false })
export class TaskAssigned {
  /** Of the agent: another process of its id has nothing to do with it. */
  @IsString()
  @Length(1, 128)
  instance!: string;

  @ValidateNested({ each: true })
  @Type(() => AssignedRef)
  @ArrayMaxSize(MAX_NOTICED_TASKS)
  tasks!: AssignedRef[];
}

export const topicOfAssigned = (agentId: string): string => `tasks.assigned.${agentId}`;
