import { Get, Param, Query } from '@nestjs/common';
import { type PipelineRun, Pipelines } from 'agentmq/coordination';
import { findRun, listRuns, type Page } from 'agentmq/operations';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { PagingQuery } from '../paging.js';
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

  /** The newest first. */
  @Get()
  list(@Query() query: RunsQuery): Promise<Page<PipelineRun>> {
    return listRuns(this.pipelines, query);
  }

  @Get(':id')
  read(@Param('id') id: string): Promise<PipelineRun> {
    return findRun(this.pipelines, id);
  }
}
