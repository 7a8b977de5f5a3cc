import { Injectable } from '@nestjs/common';
import { AgentIdentity, AgentSettings } from 'agentmq/agent';
import { MessageTooLargeError } from 'agentmq/broker';
import { contractOf, fromWireError, type PayloadClass, readPayload } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { currentCause, nextTrace, Sampler } from 'agentmq/messaging';
import { Strategies } from '../balancing/strategies.js';
import { draftOf, isStorable, type PartOf, type TaskDraft, type TaskOrigin } from './draft.js';
import { InvalidTaskError, TaskCancelledError, TaskFailedError, TaskTakenError } from './errors.js';
import { joinedTransaction } from './joined-transaction.js';
import { TaskNotices } from './notices.js';
import {
  type Task,
  type TaskBacklog,
  type TaskFilter,
  type TaskOptions,
  TASK_STATES,
  type TaskWithResult,
} from './task.js';
import { cancelledBy, type SettledTask, type TaskRef } from './store/settled.js';
import { type TaskEnd, TaskStore } from './store/task-store.js';
import { resultView } from './result.js';
import { TaskSealing } from './task-sealing.js';
import { TaskWaiting } from './task-waiting.js';

const MAX_LIMIT = 1_000;

export interface ResultOptions<Answer extends object> {
  /** The contract that the result must keep; it is then an instance of it. */
  readonly answer?: PayloadClass<Answer>;
  /** Ends the waiting, with its reason; the task goes on. */
  readonly signal?: AbortSignal;
}

/**
 * Tasks: work that is given to whichever agent is able, and is done once whatever dies. A coordinator has to run (an app
 * with `CoordinatorsModule`); until one does, tasks wait. See docs/COORDINATION.md.
 */
@Injectable()
export class Tasks {
  private readonly tasks: TaskStore;

  constructor(
    private readonly identity: AgentIdentity,
    private readonly settings: AgentSettings,
    private readonly strategies: Strategies,
    private readonly notices: TaskNotices,
    private readonly waiting: TaskWaiting,
    private readonly sealing: TaskSealing,
    database: Database,
    private readonly sampler: Sampler,
  ) {
    this.tasks = new TaskStore(database);
  }

  /**
   * Submits a task. Resolves with its id once it is committed (in a transaction: written there): from then on it ends as
   * completed, failed or cancelled. Rejects with {@link InvalidTaskError} naming the field, `ContractViolationError`,
   * `MessageTooLargeError`, `StoreUnavailableError`.
   */
  async submit<P extends object>(contract: PayloadClass<P>, payload: P, options: TaskOptions): Promise<string> {
    const [id] = await this.submitAll(contract, [payload], options);
    if (id === undefined) throw new Error('a task was written, and has no id');
    return id;
  }

  /** Submits tasks with the same options, all or none. Resolves with their ids, in the order given, and rejects as {@link submit} does. */
  async submitAll<P extends object>(
    contract: PayloadClass<P>,
    payloads: readonly P[],
    { transaction, ...options }: TaskOptions,
  ): Promise<string[]> {
    const joined = joinedTransaction(transaction);
    const inClear = payloads.map((payload) => this.draftInClear(contract, payload, options));
    const drafts = this.isSealed(contract) ? await Promise.all(inClear.map((draft) => this.sealed(draft))) : inClear;
    await this.tasks.insert(drafts, joined);
    const ids = drafts.map(({ id }) => id);
    const tell = (): void => this.notices.queued(ids);
    if (joined) joined.onCommit(tell);
    else tell();
    return ids;
  }

  /**
   * Makes a part of a task, or finds the one that an earlier attempt has made, which may begin anew. Rejects as {@link submit}
   * does, and with {@link TaskTakenError} when the whole is settled, or no longer with this agent.
   */
  async submitPart<P extends object>(
    part: PartOf,
    contract: PayloadClass<P>,
    payload: P,
    options: Omit<TaskOptions, 'transaction'>,
  ): Promise<string> {
    const draft = { ...this.draftInClear(contract, payload, options), part };
    const written = this.isSealed(contract)
      ? await this.tasks.insertPart(await this.sealed(draft), {
          isPayload: (sealed, id) => this.sealing.isPayload(sealed, id, draft),
          sealedFor: (id) => this.sealed(draft, id),
        })
      : await this.tasks.insertPart(draft);
    if (!written) throw new TaskTakenError(part.taskId);
    const { id, ended, isTaken } = written;
    this.notices.queued([id]);
    this.tellOf(ended);
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
    options: TaskOptions & ResultOptions<object>,
  ): Promise<unknown>;
  async run<P extends object>(
    contract: PayloadClass<P>,
    payload: P,
    { answer, signal, ...options }: TaskOptions & ResultOptions<object>,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    if (joinedTransaction(options.transaction))
      throw new InvalidTaskError('transaction', 'is committed only after what would be waited for in it');
    const id = await this.submit(contract, payload, options);
    try {
      return await this.result(id, { ...(answer ? { answer } : {}), ...(signal ? { signal } : {}) });
    } catch (error) {
      // whether or not that succeeds
      if (signal?.aborted) await this.cancel(id, 'whoever waited for it has given up').catch(() => undefined);
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

  /** Ends tasks as `TaskStore.end` does, and tells those whom it concerns. Resolves with whether any was open. */
  async end(ids: readonly string[], how: TaskEnd, fence?: TaskRef): Promise<boolean> {
    const ended = await this.tasks.end(ids, how, fence);
    this.tellOf(ended);
    return ended.length > 0;
  }

  /** A task as it is on record, with its result if it has one. */
  async find(id: string): Promise<TaskWithResult | undefined> {
    const found = isStorable(id) ? await this.tasks.find(id) : undefined;
    if (!found) return undefined;
    const { result, ...task } = found;
    return { ...task, ...resultView(result) };
  }

  /** Tasks of all agents, oldest first. Rejects with {@link InvalidTaskError} naming the field. */
  async list(filter: TaskFilter = {}): Promise<Task[]> {
    const { state, limit } = filter;
    if (state !== undefined && !TASK_STATES.includes(state))
      throw new InvalidTaskError('state', `"${state}" is not one of ${TASK_STATES.join(', ')}`);
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT))
      throw new InvalidTaskError('limit', `${limit} is not a whole number from 1 to ${MAX_LIMIT}`);
    for (const field of ['parentId', 'after'] as const)
      if (filter[field] !== undefined && !isStorable(filter[field]))
        throw new InvalidTaskError(field, 'is not a task’s id');
    return this.tasks.list(filter);
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
  async draft<P extends object>(
    contract: PayloadClass<P>,
    payload: P,
    options: Omit<TaskOptions, 'transaction'>,
  ): Promise<TaskDraft> {
    const draft = this.draftInClear(contract, payload, options);
    return this.isSealed(contract) ? this.sealed(draft) : draft;
  }

  private draftInClear<P extends object>(
    contract: PayloadClass<P>,
    payload: P,
    options: Omit<TaskOptions, 'transaction'>,
  ): TaskDraft {
    const known = { longestMs: this.settings.messaging.defaultTtlMs, strategies: this.strategies.names };
    return this.fitting(draftOf(contractOf(contract), payload, options, this.origin(), known));
  }

  private isSealed(contract: PayloadClass): boolean {
    return this.sealing.seals && contractOf(contract).sensitive;
  }

  private async sealed(draft: TaskDraft, id?: string): Promise<TaskDraft> {
    return this.fitting(await this.sealing.sealDraft(draft, id));
  }

  private fitting(draft: TaskDraft): TaskDraft {
    const { maxMessageBytes } = this.settings.bus;
    const bytes = Buffer.byteLength(draft.payload);
    if (bytes > maxMessageBytes) throw new MessageTooLargeError(bytes, maxMessageBytes);
    return draft;
  }

  private tellOf(ended: readonly SettledTask[]): void {
    this.notices.settled(ended);
    this.notices.cancelled(ended.map(({ id }) => id));
  }

  private origin(): TaskOrigin {
    const causeId = currentCause();
    const trace = nextTrace(this.sampler.sample);
    return { submitter: this.identity.id, trace, ...(causeId === undefined ? {} : { causeId }) };
  }
}
