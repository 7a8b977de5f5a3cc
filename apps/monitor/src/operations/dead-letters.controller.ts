import { BadRequestException, Body, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ContractCatalogue, validatePayload } from 'agentmq/protocol';
import { HistoryStore } from 'agentmq/message-store';
import { DeadLetters } from 'agentmq/messaging';
import { deadRef, deadRefs } from './dead-refs.js';
import { answerWith, OperationsController, type StatusSetter } from './operations.js';
import { ReplayJobs, type ReplayView } from './replay-jobs.js';
import { DeadLettersQuery, DiscardRequest, RequeueAllRequest, RequeueRequest, selectionOf } from './requests.js';
import { type DeadLetterRow, deadLetterRows, type MessageView, messageView } from './views.js';

const DEFAULT_LIMIT = 100;
const DEFAULT_RATE = 1_000;
const REQUEUED = ['dead', 'expired'] as const;

export interface DeadLettersPage {
  readonly deadLetters: readonly DeadLetterRow[];
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/** What was put on its way. */
export interface Requeued {
  readonly id: string;
  readonly consumers: readonly string[];
  /** The id of the message that took the place of the old one. */
  readonly replacedBy?: string;
}

/** Messages that could not be handled: listed, read, requeued, replaced, discarded. */
@OperationsController('dead-letters')
export class DeadLettersController {
  constructor(
    private readonly history: HistoryStore,
    private readonly deadLetters: DeadLetters,
    private readonly contracts: ContractCatalogue,
    private readonly jobs: ReplayJobs,
  ) {}

  /** Oldest first. */
  @Get()
  async list(@Query() { limit = DEFAULT_LIMIT, ...query }: DeadLettersQuery): Promise<DeadLettersPage> {
    const stored = await this.deadLetters.list({ ...query, limit });
    const deadLetters = stored.flatMap((each) => deadLetterRows(each, query));
    const last = stored.length < limit ? undefined : stored.at(-1)?.message.messageId;
    return { deadLetters, ...(last === undefined ? {} : { next: last }) };
  }

  /** The message with all its deliveries; 409 if it is dead nowhere. */
  @Get(':id')
  async read(@Param('id') id: string): Promise<MessageView> {
    const [ref] = await deadRefs(this.history, id);
    const { stored } = await this.deadLetters.read(ref ?? { messageId: id, consumer: '' });
    return messageView(stored, this.contracts);
  }

  /** Begins anew wherever it is dead; 202 when that is committed. With a payload: a new message takes its place. */
  @Post(':id/requeue')
  @HttpCode(202)
  async requeue(@Param('id') id: string, @Body() { consumer, payload }: RequeueRequest): Promise<Requeued> {
    if (payload === undefined) {
      const refs = await deadRefs(this.history, id, consumer, REQUEUED);
      for (const ref of refs) await this.deadLetters.requeue(ref);
      return { id, consumers: refs.map((ref) => ref.consumer) };
    }
    const ref = await deadRef(this.history, id, consumer, REQUEUED);
    const { stored } = await this.deadLetters.read(ref);
    const contract = this.contracts.find(stored.message.type, stored.message.version);
    if (contract) validatePayload(contract, payload, stored.message.version);
    const replacedBy = await this.deadLetters.requeueEdited(ref, JSON.stringify(payload));
    return { id, consumers: [ref.consumer], replacedBy };
  }

  /** All that the body selects (with `all` and nothing else: everything), of what is dead and was not discarded; answered as `POST /replay` is. */
  @Post('requeue')
  async requeueAll(
    @Body() { dryRun = false, rate = DEFAULT_RATE, atMost, all = false, ...given }: RequeueAllRequest,
    @Res({ passthrough: true }) response: StatusSetter,
  ): Promise<ReplayView> {
    const run = { dryRun, rate, ...(atMost === undefined ? {} : { atMost }) };
    const selection = selectionOf(given);
    if (Object.keys(selection).length === 0 && !all)
      throw new BadRequestException('all: true is needed where nothing else selects');
    return answerWith(await this.jobs.start({ ...selection, states: ['dead'] }, run), response);
  }

  /** It needs nobody's attention any more. */
  @Post(':id/discard')
  @HttpCode(200)
  async discard(
    @Param('id') id: string,
    @Body() { reason, consumer }: DiscardRequest,
  ): Promise<{ readonly id: string; readonly consumers: readonly string[] }> {
    const refs = await deadRefs(this.history, id, consumer);
    for (const ref of refs) await this.deadLetters.discard(ref, reason);
    return { id, consumers: refs.map((ref) => ref.consumer) };
  }
}
