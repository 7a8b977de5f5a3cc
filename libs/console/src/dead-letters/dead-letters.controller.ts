import { Body, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { InvalidSelectionError } from 'agentmq/database';
import {
  type Actor,
  BulkChanges,
  type DeadLetterGroup,
  type DeadLetterRow,
  DeadLetters,
  type DeadLetterSelection,
  type Discarded,
  Messages,
  type MessageView,
  type Page,
  ReplayJobs,
  type ReplayView,
  type Requeued,
  selectionText,
} from 'agentmq/operations';
import { By } from '../by.js';
import { answerWith, OperationsController, type StatusSetter } from '../operations.js';
import { runOf } from '../replay/selection.js';
import {
  DeadLettersQuery,
  deadLettersOf,
  DiscardAllRequest,
  DiscardRequest,
  GroupsQuery,
  RequeueAllRequest,
  RequeueRequest,
} from './requests.js';

/** Messages that could not be handled: listed, read, requeued, replaced, discarded. */
@OperationsController('dead-letters')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetters,
    private readonly messages: Messages,
    private readonly changes: BulkChanges,
    private readonly jobs: ReplayJobs,
  ) {}

  /** The newest message first. */
  @Get()
  list(@Query() query: DeadLettersQuery): Promise<Page<DeadLetterRow>> {
    return this.deadLetters.list(query);
  }

  /** By consumer, contract and error: the group whose latest failure is the newest first. */
  @Get('groups')
  groups(@Query() query: GroupsQuery): Promise<Page<DeadLetterGroup>> {
    return this.deadLetters.groups(query);
  }

  /** The message with all its deliveries; 409 if it is dead nowhere. */
  @Get(':id')
  async read(@Param('id') id: string): Promise<MessageView> {
    await this.deadLetters.where({ messageId: id });
    return this.messages.read(id);
  }

  /** Begins anew wherever it is dead; 202 when that is committed. With a payload: a new message takes its place. */
  @Post(':id/requeue')
  @HttpCode(202)
  requeue(
    @Param('id') messageId: string,
    @Body() { consumer, payload }: RequeueRequest,
    @By() actor: Actor,
  ): Promise<Requeued> {
    const letter = { messageId, consumer };
    return payload === undefined
      ? this.deadLetters.requeue(actor, letter)
      : this.deadLetters.requeueEdited(actor, letter, JSON.stringify(payload));
  }

  /** All that the body selects (with `all` and nothing else: everything), of what is dead and was not discarded; answered as `POST /replay` is. */
  @Post('requeue')
  async requeueAll(
    @Body() request: RequeueAllRequest,
    @By() actor: Actor,
    @Res({ passthrough: true }) response: StatusSetter,
  ): Promise<ReplayView> {
    const run = runOf(request);
    const selection = selected(request);
    const job = { actor, kind: 'requeue', target: selectionText(selection), dryRun: run.dryRun } as const;
    const view = await this.jobs.start(job, (progress) =>
      this.changes.requeue(actor, selection, { ...run, ...progress }),
    );
    return answerWith(view, response);
  }

  /** As {@link requeueAll}: what is selected needs no attention any more. */
  @Post('discard')
  async discardAll(
    @Body() request: DiscardAllRequest,
    @By() actor: Actor,
    @Res({ passthrough: true }) response: StatusSetter,
  ): Promise<ReplayView> {
    const run = runOf(request);
    const selection = selected(request);
    const job = { actor, kind: 'discard', target: selectionText(selection), dryRun: run.dryRun } as const;
    const view = await this.jobs.start(job, (progress) =>
      this.changes.discard(actor, selection, request.reason, { ...run, ...progress }),
    );
    return answerWith(view, response);
  }

  /** It is dealt with: it is neither listed nor counted any more. */
  @Post(':id/discard')
  @HttpCode(200)
  discard(
    @Param('id') messageId: string,
    @Body() { reason, consumer }: DiscardRequest,
    @By() actor: Actor,
  ): Promise<Discarded> {
    return this.deadLetters.discard(actor, { messageId, consumer }, reason);
  }
}

function selected(request: RequeueAllRequest): DeadLetterSelection {
  const selection = deadLettersOf(request);
  if (Object.keys(selection).length === 0 && !request.all)
    throw new InvalidSelectionError('all', 'true is needed where nothing else selects');
  return selection;
}
