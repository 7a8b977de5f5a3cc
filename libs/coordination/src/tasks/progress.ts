import { IsDate, IsInt, IsObject, IsString, Length, Min } from 'class-validator';
import { Type } from 'class-transformer';
import { Contract } from 'agentmq/protocol';

/** Tells how far an agent is with a task. It may be lost: what follows the task also reads its row now and then. */
@Contract({ type: 'task_report', durable: false })
export class TaskReport {
  @IsString()
  @Length(1, 128)
  taskId!: string;

  /** Which attempt tells it: an earlier one may not know yet that it has lost the task. */
  @IsInt()
  @Min(1)
  attempt!: number;

  @IsObject()
  progress!: object;

  /** When the agent told it, by its own clock. */
  @IsDate()
  @Type(() => Date)
  at!: Date;
}

export const topicOfProgress = (taskId: string): string => `tasks.progress.${taskId}`;
