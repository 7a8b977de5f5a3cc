import { Body, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { InvalidSelectionError } from 'agentmq/database';
import { ContractCatalogue, validatePayload } from 'agentmq/protocol';
import { HistoryStore } from 'agentmq/message-store';
import {
  type Actor,
  BulkChanges,
  type DeadLetterGroup,
  type DeadLetterRow,
  DeadLetters,
  type DeadLetterSelection,
  deadRef,
  deadRefs,
  Messages,
  type MessageView,
  type Page,
  ReplayJobs,
  type ReplayView,
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

const REQUEUED = ['dead', 'expired'] as const;

/** What was put on its way. */
export interface Requeued {
  readonly id: string;
  readonly consumers: readonly string[];
  /** The id of the message that took the place of the old one. */
  readonly replacedBy?: string;
}

/** What was discarded, and where. */
export type Discarded = Omit<Requeued, 'replacedBy'>;

/** Messages that could not be handled: listed, read, requeued, replaced, discarded. */
@OperationsController('dead-letters')
export class DeadLettersController {
  constructor(
    private readonly history: HistoryStore,
    private readonly deadLetters: DeadLetters,
    private readonly messages: Messages,
    private readonly changes: BulkChanges,
    private readonly contracts: ContractCatalogue,
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
    await deadRefs(this.history, id);
    return this.messages.read(id);
  }

  /** Begins anew wherever it is dead; 202 when that is committed. With a payload: a new message takes its place. */
  @Post(':id/requeue')
  @HttpCode(202)
  async requeue(
    @Param('id') id: string,
    @Body() { consumer, payload }: RequeueRequest,
    @By() actor: Actor,
  ): Promise<Requeued> {
    if (payload === undefined) {
      const refs = await deadRefs(this.history, id, consumer, REQUEUED);
      for (const ref of refs) await this.deadLetters.requeue(actor, ref);
      return { id, consumers: refs.map((ref) => ref.consumer) };
    }
    const ref = await deadRef(this.history, id, consumer, REQUEUED);
    const { stored } = await this.deadLetters.read(ref);
    const contract = this.contracts.find(stored.message.type, stored.message.version);
    if (contract) validatePayload(contract, payload, stored.message.version);
    const replacedBy = await this.deadLetters.requeueEdited(actor, ref, JSON.stringify(payload), contract);
    return { id, consumers: [ref.consumer], replacedBy };
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
  async discard(
    @Param('id') id: string,
    @Body() { reason, consumer }: DiscardRequest,
    @By() actor: Actor,
  ): Promise<Discarded> {
    const refs = await deadRefs(this.history, id, consumer);
    for (const ref of refs) await this.deadLetters.discard(actor, ref, reason);
    return { id, consumers: refs.map((ref) => ref.consumer) };
  }
}

function selected(request: RequeueAllRequest): DeadLetterSelection {
  const selection = deadLettersOf(request);
  if (Object.keys(selection).length === 0 && !request.all)
    throw new InvalidSelectionError('all', 'true is needed where nothing else selects');
  return selection;
}
