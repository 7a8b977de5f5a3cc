import { Body, Get, HttpCode, Post, Query } from '@nestjs/common';
import { IsOptional, IsString, Length } from 'class-validator';
import { type Actor, type Page, type SubscriptionRow, Subscriptions } from 'agentmq/operations';
import { PagingQuery } from '../paging.js';
import { By } from '../by.js';
import { IsConsumer } from '../checks.js';
import { OperationsController } from '../operations.js';

/** The query of `GET /subscriptions`. */
export class SubscriptionsQuery extends PagingQuery {
  @IsOptional()
  @IsConsumer()
  consumer?: string;
}

/** The body of `POST /subscriptions/end`. */
export class EndSubscriptionRequest {
  @IsConsumer()
  consumer!: string;

  @IsString()
  @Length(1, 255)
  pattern!: string;
}

/** What consumers are subscribed to. */
@OperationsController('subscriptions')
export class SubscriptionsController {
  constructor(private readonly subscriptions: Subscriptions) {}

  /** By consumer and pattern. */
  @Get()
  list(@Query() query: SubscriptionsQuery): Promise<Page<SubscriptionRow>> {
    return this.subscriptions.list(query);
  }

  @Post('end')
  @HttpCode(204)
  end(@Body() { consumer, pattern }: EndSubscriptionRequest, @By() actor: Actor): Promise<void> {
    return this.subscriptions.end(actor, consumer, pattern);
  }
}
