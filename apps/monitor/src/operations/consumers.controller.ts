import { Body, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { SubscriptionStore, openStates, type StoredSubscription } from 'agentmq/message-store';
import { SubscriptionNotFoundError } from './errors.js';
import { answerWith, OperationsController, type StatusSetter } from './operations.js';
import { ReplayJobs, type ReplayView } from './replay-jobs.js';
import { EndSubscriptionRequest, MoveRequest, SubscriptionsQuery } from './requests.js';

const DEFAULT_RATE = 1_000;

/** Makes what a consumer is owed another one's. It is told of, and ended, as a replay is. */
@OperationsController('move')
export class MoveController {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly jobs: ReplayJobs,
  ) {}

  @Post()
  async move(
    @Body() { from, to, dead = false, keepSubscriptions = false, dryRun = false, rate = DEFAULT_RATE }: MoveRequest,
    @Res({ passthrough: true }) response: StatusSetter,
  ): Promise<ReplayView> {
    if (!keepSubscriptions && !dryRun && from !== to) await this.subscriptions.move(from, to);
    const selection = { consumer: from, states: dead ? ([...openStates, 'dead'] as const) : openStates };
    return answerWith(await this.jobs.start(selection, { to, move: true, dryRun, rate }), response);
  }
}

/** What consumers are subscribed to. */
@OperationsController('subscriptions')
export class SubscriptionsController {
  constructor(private readonly subscriptions: SubscriptionStore) {}

  @Get()
  list(@Query() { consumer }: SubscriptionsQuery): Promise<StoredSubscription[]> {
    return this.subscriptions.list(consumer);
  }

  @Post('end')
  @HttpCode(204)
  async end(@Body() { consumer, pattern }: EndSubscriptionRequest): Promise<void> {
    const ended = await this.subscriptions.end(consumer, pattern, 'ended by an operator');
    if (!ended) throw new SubscriptionNotFoundError(consumer, pattern);
  }
}
