import { Get, Param, Query } from '@nestjs/common';
import { type PipelineRun, Pipelines, UnknownTaskError } from 'agentmq/coordination';
import { DEFAULT_LIMIT, PagingQuery } from 'agentmq/http';
import type { Page } from 'agentmq/operations';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { OperationsController } from '../operations.js';

/** The query of `GET /pipelines`. */
class RunsQuery extends PagingQuery {
  @IsOptional()
  @IsString()
  @Length(1, 128)
  pipeline?: string;

  @IsOptional()
  @IsIn(['running', 'completed', 'failed', 'cancelled'])
  state?: PipelineRun['state'];
}

/** Runs of pipelines, with their stages and the times of these. */
@OperationsController('pipelines')
export class PipelinesController {
  constructor(private readonly pipelines: Pipelines) {}

  @Get()
  async list(@Query() { limit = DEFAULT_LIMIT, ...filter }: RunsQuery): Promise<Page<PipelineRun>> {
    const items = await this.pipelines.list({ ...filter, limit });
    const last = items.at(-1);
    return { items, ...(last && items.length === limit ? { next: last.id } : {}) };
  }

  @Get(':id')
  async read(@Param('id') id: string): Promise<PipelineRun> {
    const run = await this.pipelines.find(id);
    if (!run) throw new UnknownTaskError(id);
    return run;
  }
}
