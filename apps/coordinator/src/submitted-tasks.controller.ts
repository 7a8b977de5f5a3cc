import { Controller, Delete, Get, NotFoundException, Param, Query, UsePipes, ValidationPipe } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Max, Min } from 'class-validator';
import { TASK_STATES, type TaskRecord, Tasks, type TaskState } from 'agentmq/coordination';
import { asHttpError } from './unavailable.js';

const DEFAULT_LIMIT = 100;

/** The query of `GET /tasks`. */
class TasksQuery {
  @IsOptional()
  @IsIn(TASK_STATES)
  state?: TaskState;

  /** Parts of this task. */
  @IsOptional()
  @IsUUID()
  parentId?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit?: number;

  /** The `next` of the page before. */
  @IsOptional()
  @IsUUID()
  after?: string;
}

/** The query of `DELETE /tasks/:id`. */
class CancelQuery {
  @IsOptional()
  @IsString()
  @Length(1, 1_000)
  reason?: string;
}

export interface SubmittedTaskPage {
  /** Oldest first. */
  readonly tasks: readonly TaskRecord[];
  /** Absent when there are no more. */
  readonly next?: string;
}

/** Tasks that agents have submitted (`Tasks.submit`), the parts of others included. */
@Controller('tasks')
@UsePipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }))
export class SubmittedTasksController {
  constructor(private readonly tasks: Tasks) {}

  @Get()
  async list(@Query() { limit = DEFAULT_LIMIT, ...filter }: TasksQuery): Promise<SubmittedTaskPage> {
    const tasks = await this.tasks.list({ ...filter, limit }).catch(asHttpError);
    const last = tasks.at(-1);
    return { tasks, ...(last && tasks.length === limit ? { next: last.id } : {}) };
  }

  /** Cancels a task and everything below it. `cancelled` is false for one that was settled before. */
  @Delete(':id')
  async cancel(
    @Param('id') id: string,
    @Query() { reason = 'an operator’s word' }: CancelQuery,
  ): Promise<{ cancelled: boolean }> {
    const cancelled = await this.tasks.cancel(id, reason).catch(asHttpError);
    if (!cancelled && !(await this.tasks.find(id).catch(asHttpError)))
      throw new NotFoundException(`no agent has submitted a task ${id}`);
    return { cancelled };
  }
}
