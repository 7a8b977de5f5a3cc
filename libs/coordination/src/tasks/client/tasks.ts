import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { AgentIdentity, AgentSettings, Startup } from 'agentmq/agent';
import { MessageTooLargeError } from 'agentmq/broker';
import {
  type ContractDefinition,
  contractOf,
  fromWireError,
  type PayloadClass,
  readPayload,
  toWireError,
  writePayload,
} from 'agentmq/protocol';
import type { Transaction } from 'agentmq/database';
import { Batcher, currentCause, Sampler, Spans } from 'agentmq/messaging';
import { Strategies } from '../../distribution/balancing/strategies.js';
import {
  checkWhole,
  distinct,
  type DraftOptions,
  draftOf,
  isStorable,
  type PartOf,
  type TaskDraft,
  type TaskOrigin,
} from '../draft.js';
import { InvalidTaskError, TaskCancelledError, TaskFailedError, TaskTakenError, UnknownTaskError } from '../errors.js';
import { joinedTransaction } from '../joined-transaction.js';
import { TaskNotices } from '../notices.js';
import {
  type BatchOptions,
  type TaskRecord,
  type TaskAttempt,
  type TaskBacklog,
  type TaskEvent,
  type TaskFilter,
  type TaskOptions,
  TASK_STATES,
  type TaskTree,
  type TaskWithResult,
} from '../task.js';
import { cancelledBy, type TaskRef } from '../store/settled.js';
import { type TaskEnd, TaskStore } from '../store/task-store.js';
import { taskView } from '../result.js';
import { isSealedText, TaskSealing } from '../task-sealing.js';
import { treesOf } from './task-tree.js';
import { TaskWaiting } from './task-waiting.js';
import { TaskWatching } from './task-watching.js';

const MAX_LIMIT = 1_000;
const TREE_LEVELS = 16;
const MOST_IN_TREE = 1_000;
const SUBMISSIONS = { size: 200, inFlight: 4 };

/** What of a contract its tasks have on record. */
type TaskContract = Pick<ContractDefinition, 'type' | 'version' | 'sensitive'>;

export interface ResultOptions<Answer extends object> {
  /** The contract that the result must keep; it is then an instance of it. */
  readonly answer?: PayloadClass<Answer> | undefined;
  /** Ends the waiting, with its reason; the task goes on. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tasks: work that is given to whichever agent is able, and is done once whatever dies. A coordinator has to run (an app
 * with `CoordinatorsModule`); until one does, tasks wait. See docs/TASKS.md.
 */
@Injectable()
export class Tasks {
  /** What is submitted alone, at the same time as others. */
  private readonly submitting = new Batcher((drafts: TaskDraft[]) => this.tasks.insert(drafts), SUBMISSIONS);
  private readonly spans: Spans;

  constructor(
    private readonly identity: AgentIdentity,
    private readonly settings: AgentSettings,
    private readonly strategies: Strategies,
    private readonly notices: TaskNotices,
    private readonly waiting: TaskWaiting,
    private readonly sealing: TaskSealing,
    private readonly tasks: TaskStore,
    sampler: Sampler,
    private readonly watching: TaskWatching,
    private readonly startup: Startup,
  ) {
    this.spans = new Spans(identity.id, sampler.sample);
  }

  /**
   * Submits a task. Resolves with its id once it is committed (in a transaction: written there): from then on it ends as
   * completed, failed or cancelled. With an `idempotencyKey` that is on record, or the `id` of a task, that task's id: nothing is
   * submitted then. Rejects with {@link InvalidTaskError} naming the field, `ContractViolationError`,
   * {@link IdempotencyKeyReusedError}, `MessageTooLargeError`, `StoreUnavailableError`.
   */
  async submit<P extends object>(
    contract: PayloadClass<P>,
    payload: P,
    options: TaskOptions & DraftOptions = {},
  ): Promise<string> {
    return this.submitDraft(this.draftInClear(contract, payload, options), contractOf(contract), options);
  }

  /** As {@link submit}, of a payload as it was written by the rules of its contract, of which nothing else is known. */
  async submitWritten(
    contract: TaskContract,
    payload: string,
    options: TaskOptions & DraftOptions = {},
  ): Promise<string> {
    return this.submitDraft(this.draftWritten(contract, payload, options), contract, options);
  }

  /**
   * Submits tasks with the same options, all or none: however many, in statements of bounded size. Resolves with their ids, in
   * the order given, and rejects as {@link submit} does; a transaction of the caller's is then to be rolled back.
   */
  async submitAll<P extends object>(
    contract: PayloadClass<P>,
    payloads: readonly P[],
    { transaction, idempotencyKeyOf, ...options }: BatchOptions<P> = {},
  ): Promise<string[]> {
    const joined = joinedTransaction(this.tasks.database, transaction);
    const drafts = payloads.map((payload, index) => {
      const key = idempotencyKeyOf && { idempotencyKey: idempotencyKeyOf(payload, index) };
      return this.draftInClear(contract, payload, { ...options, ...key });
    });
    return this.startup.whenReady(() => this.write(drafts, this.isSealed(contractOf(contract)), joined));
  }

  /**
   * Makes a part of a task, or finds the one that an earlier attempt has made, which may begin anew. Rejects as {@link submit}
   * does, and with {@link TaskTakenError} when the whole is settled, or no longer with this agent.
   */
  async submitPart<P extends object>(
    part: PartOf,
    contract: PayloadClass<P>,
    payload: P,
    options: Omit<DraftOptions, 'id' | 'idempotencyKey'>,
  ): Promise<string> {
    const draft = { ...this.draftInClear(contract, payload, options), part };
    const written = await submitted([draft], async () => {
      const made = this.isSealed(contractOf(contract))
        ? await this.tasks.insertPart(await this.sealed(draft), {
            isPayload: (sealed, id) => this.sealing.isPayload(sealed, id, draft),
            sealedFor: (id) => this.sealed(draft, id),
          })
        : await this.tasks.insertPart(draft);
      if (!made) throw new TaskTakenError(part.taskId);
      return made;
    });
    const { id, ended, isTaken } = written;
    this.notices.queued([id]);
    this.notices.ended(ended);
    if (isTaken) this.notices.cancelled([id]);
    return id;
  }

  /**
   * Resolves with the result of a task, of this agent or another, once it is completed; waits for a database that is away.
   * Rejects with {@link TaskFailedError}, {@link TaskCancelledError}, {@link UnknownTaskError}, `ContractViolationError` for
   * a result that does not keep `answer`, the signal's reason, or `BusStoppedError` when the agent stops: within a handler only
   * when that is not waited for any more, and then with the reason of the handler's own signal.
   */
  async result<Answer extends object>(
    id: string,
    options: ResultOptions<Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Answer>;
  async result(id: string, options?: ResultOptions<object>): Promise<unknown>;
  async result(id: string, { answer, signal }: ResultOptions<object> = {}): Promise<unknown> {
    const { state, result, error, parentId } = await this.waiting.settled(id, signal);
    if (state === 'cancelled') throw new TaskCancelledError(id, error?.message ?? '');
    if (state === 'failed') throw new TaskFailedError(id, fromWireError(error).remote);
    const json = result && (await this.sealing.openResult(result, [id, parentId], answer && contractOf(answer)));
    const value: unknown = json === null ? undefined : JSON.parse(json);
    if (!answer) return value;
    const contract = contractOf(answer);
    // what is wrong with a value that was sealed is told without it, whatever it is read as
    return readPayload({ ...contract, sensitive: contract.sensitive || json !== result }, value);
  }

  /** {@link submit}, then {@link result}; not in a transaction. With the signal aborted the task is cancelled. */
  async run<P extends object, Answer extends object>(
    contract: PayloadClass<P>,
    payload: P,
    options: TaskOptions & ResultOptions<Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Answer>;
  async run<P extends object>(
    contract: PayloadClass<P>,
    payload: P,
    options?: TaskOptions & ResultOptions<object>,
  ): Promise<unknown>;
  async run<P extends object>(
    contract: PayloadClass<P>,
    payload: P,
    { answer, signal, ...options }: TaskOptions & ResultOptions<object> = {},
  ): Promise<unknown> {
    signal?.throwIfAborted();
    if (joinedTransaction(this.tasks.database, options.transaction))
      throw new InvalidTaskError('transaction', 'is committed only after what would be waited for in it');
    const id = await this.submit(contract, payload, options);
    try {
      return await this.result(id, { answer, signal });
    } catch (error) {
      // whether or not that succeeds
      if (signal?.aborted) await this.cancel(id, 'the caller that waited for it has given up').catch(() => undefined);
      throw error;
    }
  }

  /**
   * Cancels a task and everything that it was split into, as far as that is not settled: what is waiting is not begun, what
   * is under way has its signal aborted, and no result of it is recorded. Resolves with whether the task was open.
   */
  async cancel(id: string, reason: string): Promise<boolean> {
    return isStorable(id) && this.end([id], { state: 'cancelled', error: cancelledBy(reason) });
  }

  /** Ends tasks as `TaskStore.end` does, and tells the agents concerned. Resolves with whether any was open. */
  async end(ids: readonly string[], how: TaskEnd, fence?: TaskRef): Promise<boolean> {
    const ended = await this.tasks.end(ids, how, fence);
    this.notices.ended(ended);
    return ended.length > 0;
  }

  /** A task as it is on record, with its result if it has one. */
  async find(id: string): Promise<TaskWithResult | undefined> {
    const [found] = isStorable(id) ? await this.tasks.findAll([id]) : [];
    return found && taskView(found);
  }

  /**
   * Follows a task, of this agent or another: tells of its present state and progress first, then of each change, and ends after
   * the state in which it is settled. A reader that is slower than the changes is told of the latest only. Rejects with
   * {@link UnknownTaskError}, with the reason of the signal, which ends it, or with `BusStoppedError` when the agent stops. Waits
   * for a database that is away. What was missed of the progress is told within a few seconds.
   */
  watch(id: string, { signal }: Pick<ResultOptions<object>, 'signal'> = {}): AsyncIterable<TaskEvent> {
    return this.watching.events(id, signal);
  }

  /** Tasks of all agents. Rejects with {@link InvalidTaskError} naming the field. */
  async list(filter: TaskFilter = {}): Promise<TaskRecord[]> {
    const { state, limit } = filter;
    if (state !== undefined && !TASK_STATES.includes(state))
      throw new InvalidTaskError('state', `"${state}" is not one of ${TASK_STATES.join(', ')}`);
    if (limit !== undefined) checkWhole('limit', limit, MAX_LIMIT);
    for (const field of ['parentId', 'after', 'type', 'agentId'] as const)
      if (filter[field] !== undefined && !isStorable(filter[field]))
        throw new InvalidTaskError(field, 'is not a text without NUL');
    for (const field of ['createdAfter', 'createdBefore'] as const)
      if (filter[field] !== undefined && !isDate(filter[field]))
        throw new InvalidTaskError(field, 'is no date of the years 1 to 9999');
    return this.tasks.list(filter);
  }

  /**
   * Queues a task anew that has failed or was cancelled: all its attempts count anew, and it has as much time from now as it had
   * at first. Its parts that are completed are not done again. Resolves with whether that was done, in a transaction if one is given:
   * not for a task that is open or completed. Rejects with {@link UnknownTaskError}, and with {@link InvalidTaskError} for a part of
   * another task, which it names, and for a run of a pipeline.
   */
  async retry(id: string, { transaction }: Pick<TaskOptions, 'transaction'> = {}): Promise<boolean> {
    const joined = transaction && joinedTransaction(this.tasks.database, transaction);
    const found = isStorable(id) ? await this.tasks.retry(id, joined) : undefined;
    if (!found) throw new UnknownTaskError(id);
    const { isQueued, whole, isRun } = found;
    if (isRun) {
      const what = whole === id ? 'a run of a pipeline' : `a stage of ${whole}, a run of a pipeline`;
      throw new InvalidTaskError('id', `${id} is ${what}, which is not tried again: start another run`);
    }
    if (whole !== id)
      throw new InvalidTaskError(
        'id',
        `${id} is a part of task ${whole}: retry that one, whose completed parts are not done again`,
      );
    const tell = (): void => this.notices.queued([id]);
    if (isQueued && joined) joined.onCommit(tell);
    else if (isQueued) tell();
    return isQueued;
  }

  /** The attempts at a task, oldest first: the newest 100 without a result, and the one with it. Empty for one that is not on record. */
  async attempts(id: string): Promise<TaskAttempt[]> {
    return isStorable(id) ? this.tasks.attempts(id) : [];
  }

  /** The parts of a task, oldest first: at most `limit` of them, 1 to 1,000, and how many there are. */
  async parts(id: string, limit: number): Promise<{ readonly count: number; readonly tasks: readonly TaskRecord[] }> {
    if (!isStorable(id)) return { count: 0, tasks: [] };
    const [tasks, count] = await Promise.all([this.list({ parentId: id, limit }), this.tasks.countParts(id)]);
    return { count, tasks };
  }

  /**
   * A task with all that is below it: at most 1,000 tasks, in 16 levels; `isWhole` is false where there are more. Undefined for one that is
   * not on record.
   */
  async tree(id: string): Promise<{ readonly tree: TaskTree; readonly isWhole: boolean } | undefined> {
    const rows = isStorable(id) ? await this.tasks.tree(id, TREE_LEVELS, MOST_IN_TREE + 1) : [];
    const [tree] = treesOf(rows.slice(0, MOST_IN_TREE), rows[0]?.parentId ?? null);
    return tree && { tree, isWhole: rows.length <= MOST_IN_TREE };
  }

  /** The agents of the tasks that a task is part of, from the top, and its own: CEO, manager, lead, worker. */
  async path(id: string): Promise<string[]> {
    return isStorable(id) ? this.tasks.path(id) : [];
  }

  /** How much there is to do at each destination that has anything to do. */
  async backlog(): Promise<TaskBacklog[]> {
    return this.tasks.backlog();
  }

  /** A task as {@link submit} would write it, for a caller that writes it in a statement of its own. Rejects as that does. */
  async draft<P extends object>(contract: PayloadClass<P>, payload: P, options: DraftOptions): Promise<TaskDraft> {
    const draft = this.draftInClear(contract, payload, options);
    return submitted([draft], async () => (this.isSealed(contractOf(contract)) ? this.sealed(draft) : draft));
  }

  private draftInClear<P extends object>(type: PayloadClass<P>, payload: P, options: DraftOptions): TaskDraft {
    const contract = contractOf(type);
    if (contract.durable === false) throw new InvalidTaskError('contract', `${contract.type} is not durable`);
    return this.draftWritten(contract, writePayload(contract, payload), options);
  }

  private draftWritten(contract: TaskContract, payload: string, options: DraftOptions): TaskDraft {
    const known = { longestMs: this.settings.messaging.defaultTtlMs, strategies: this.strategies.names };
    const drafted = this.fitting(draftOf(contract, payload, options, this.origin(), known));
    if (options.id === undefined) this.waiting.expect(drafted.id);
    const sending = this.spans.sending('create', drafted.destination, contract);
    return { ...drafted, trace: sending.trace, sending };
  }

  private async submitDraft(
    inClear: TaskDraft,
    contract: TaskContract,
    { transaction, id, idempotencyKey }: TaskOptions & DraftOptions,
  ): Promise<string> {
    const joined = joinedTransaction(this.tasks.database, transaction);
    const isSealed = this.isSealed(contract);
    if (joined || id !== undefined || idempotencyKey !== undefined) {
      const [written = inClear.id] = await this.startup.whenReady(() => this.write([inClear], isSealed, joined));
      return written;
    }
    await submitted([inClear], async () => {
      const draft = isSealed ? await this.sealed(inClear) : inClear;
      await this.startup.whenReady(() => this.submitting.add(draft));
    });
    this.notices.queued([inClear.id]);
    return inClear.id;
  }

  /** Resolves with the ids on record, of all in the order given. */
  private write(inClear: readonly TaskDraft[], isSealed: boolean, joined: Transaction | undefined): Promise<string[]> {
    return submitted(inClear, () => this.writeAll(inClear, isSealed, joined));
  }

  private async writeAll(
    inClear: readonly TaskDraft[],
    isSealed: boolean,
    joined: Transaction | undefined,
  ): Promise<string[]> {
    const once = distinct(inClear);
    const drafts = isSealed ? await Promise.all(once.map((draft) => this.sealed(draft))) : once;
    const written = await this.tasks.insert(drafts, joined, async ({ id, version, payload }, place) => {
      const draft = once[place] as TaskDraft;
      // no two seals of a payload are alike, and JSON has its fields in any order
      if (isSealedText(payload)) return this.sealing.isPayload(payload, id, { ...draft, version });
      return isDeepStrictEqual(JSON.parse(payload), JSON.parse(draft.payload));
    });
    const places = new Map(once.map(({ id, idempotencyKey = id }, place) => [idempotencyKey, place]));
    const ids = inClear.map(({ id, idempotencyKey = id }) => written[places.get(idempotencyKey) ?? -1] ?? id);
    const tell = (): void => this.notices.queued(ids);
    if (joined) joined.onCommit(tell);
    else tell();
    return ids;
  }

  private isSealed({ sensitive }: TaskContract): boolean {
    return this.sealing.seals && sensitive;
  }

  private async sealed(draft: TaskDraft, id?: string): Promise<TaskDraft> {
    return this.fitting(await this.sealing.sealDraft(draft, id));
  }

  private fitting<Draft extends Pick<TaskDraft, 'payload'>>(draft: Draft): Draft {
    const { maxBytes } = this.settings.tasks;
    const bytes = Buffer.byteLength(draft.payload);
    if (bytes > maxBytes) throw new MessageTooLargeError(bytes, maxBytes);
    return draft;
  }

  private origin(): TaskOrigin {
    const causeId = currentCause();
    return { submitter: this.identity.id, ...(causeId === undefined ? {} : { causeId }) };
  }
}

/** Tells how the submission of drafts has ended: as `work` does. */
async function submitted<T>(drafts: readonly TaskDraft[], work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    for (const { id, payload, sending } of drafts) sending?.sent({ messageId: id, body: payload });
    return result;
  } catch (error) {
    for (const { sending } of drafts) sending?.failed(toWireError(error));
    throw error;
  }
}

/** Postgres has no dates as early as JavaScript has. */
const isDate = (value: unknown): boolean =>
  value instanceof Date && value.getUTCFullYear() >= 1 && value.getUTCFullYear() <= 9_999;
