import { Get, Query } from '@nestjs/common';
import { IsOptional, IsString, Length } from 'class-validator';
import { Audit, type AuditRow, type Page } from 'agentmq/operations';
import { PagingQuery } from '../paging.js';
import { OperationsController } from '../operations.js';

/** The query of `GET /audit`. */
export class AuditListQuery extends PagingQuery {
  @IsOptional()
  @IsString()
  @Length(1, 200)
  by?: string;

  @IsOptional()
  @IsString()
  @Length(1, 128)
  action?: string;

  @IsOptional()
  @IsString()
  @Length(1, 1_000)
  target?: string;
}

/** What operators have changed. */
@OperationsController('audit')
export class AuditController {
  constructor(private readonly audit: Audit) {}

  @Get()
  list(@Query() query: AuditListQuery): Promise<Page<AuditRow>> {
    return this.audit.list(query);
  }
}
