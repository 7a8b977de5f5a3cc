import { Injectable, Logger } from '@nestjs/common';
import { AgentIdentity, AgentSettings } from 'agentmq/agent';
import {
  Database,
  isAway,
  persistently,
  StoreUnavailableError,
  type Transaction,
  whileStoreIsAway,
} from 'agentmq/database';
import { Batcher, BusStoppedError, type HandlerRun, type HandlerRunner, SEALED_TYPE } from 'agentmq/messaging';
import {
  AgentMQError,
  contractOfInstance,
  errorText,
  type Message,
  toAgent,
  toWireError,
  UnknownTypeError,
  type WireError,
} from 'agentmq/protocol';
import { LONGEST_TIMER_MS } from 'agentmq/time';
import { TaskDeadlineError, TaskTakenError } from '../errors.js';
import { TaskNotices } from '../notices.js';
import { checkResultSize, encodeResult } from '../result.js';
import { AttemptStore, type BegunTask, type TaskCompletion } from '../store/attempt-store.js';
import type { SettledTask, TaskRef } from '../store/settled.js';
import { isSealedText, sealedForTask, TaskSealing, withoutText } from '../task-sealing.js';
import { Assignments } from './assignments.js';
import { ProgressReports } from './progress-reports.js';
import { carriesOut } from './task-context.js';

/** Of what tasks that begin, or are done, at the same time write together. */
const BATCHES = { size: 200, inFlight: 2 };

export interface AttemptOptions {
  readonly runner: HandlerRunner;
  /** Called when another task can have the place: the method has ended, though its result may not be on record. */
  readonly free: () => void;
  /** Whether the task is begun again when its transaction is cut off. */
  readonly mayBeCutOff: boolean;
}

/**
 * Attempts at tasks of this agent: what comes of one is recorded only while the task is this agent's. While the database is away,
 * the end of an attempt is held until it is back.
 */
@Injectable()
export class TaskAttempts {
  private readonly logger = new Logger('Tasks');
  private readonly beginning: Batcher<TaskRef, BegunTask | undefined>;
  private readonly completing: Batcher<TaskCompletion, SettledTask[]>;
  /** Aborted when a database that is away is not waited for any more. */
  private readonly ending = new AbortController();

  constructor(
    private readonly identity: AgentIdentity,
    private readonly settings: AgentSettings,
    private readonly assignments: Assignments,
    private readonly notices: TaskNotices,
    private readonly sealing: TaskSealing,
    private readonly database: Database,
    private readonly store: AttemptStore,
    private readonly progress: ProgressReports,
  ) {
    this.beginning = new Batcher((refs) => this.store.begin(refs), BATCHES);
    this.completing = new Batcher((results) => this.store.complete(results), BATCHES);
  }

  /** Undefined for what is not, or no longer, this agent's. Waits for a database that is away, until `signal` aborts. */
  begin(ref: TaskRef, signal: AbortSignal): Promise<BegunTask | undefined> {
    return whileStoreIsAway(signal, () => this.beginning.add(ref));
  }

  /** Gives tasks back that were not carried out, which counts as no failure. Never rejects: if it fails, the leader takes them. */
  async giveBack(refs: readonly TaskRef[]): Promise<void> {
    if (refs.length === 0) return;
    await this.store.release(refs).catch(() => undefined);
    this.notices.queued(refs.map(({ id }) => id));
  }

  /** Stops all that is under way: it is given back. */
  end(): void {
    this.assignments.stop(new BusStoppedError());
    this.ending.abort();
  }

  /** Carries out what has been begun, and records what comes of it. `cut off`: its transaction was, and it is to be begun again. */
  async make(task: BegunTask, options: AttemptOptions): Promise<'ended' | 'cut off'> {
    const { id, assignment, attempt, destination } = task;
    const message = messageOf(task, this.identity.id);
    let run: HandlerRun;
    try {
      const sealedFor = sealedForTask(message, id, task.runId);
      run = options.runner.start({ message, attempt, to: destination, ...(sealedFor ? { sealedFor } : {}) });
    } catch (error) {
      this.logger.warn(`${task.type} ${id}: ${errorText(error)}`);
      await this.fail(task, errorOf(error));
      return 'ended';
    }
    const letGo = this.assignments.hold(assignment, id, (reason) => run.abort(reason));
    const deadline = setTimeout(
      () => run.abort(new TaskDeadlineError(id)),
      Math.min(Math.max(0, task.leftMs), LONGEST_TIMER_MS),
    );
    const sensitive = run.isSensitive || task.handsOnSealed;
    carriesOut(
      message,
      {
        id,
        assignment,
        attempt,
        attempts: task.attempts,
        onFailure: task.onFailure,
        sensitive,
        deadline: task.deadline,
        until: performance.now() + task.leftMs,
        get signal() {
          return run.handling.signal;
        },
      },
      (running, progress) => this.progress.report(running, progress),
    );
    try {
      return await (run.transactional
        ? this.inTransaction(task, run, sensitive, options)
        : this.outside(task, run, sensitive, options));
    } finally {
      clearTimeout(deadline);
      letGo();
    }
  }

  private async outside(
    task: BegunTask,
    run: HandlerRun,
    sensitive: boolean,
    { free }: AttemptOptions,
  ): Promise<'ended'> {
    const { id, assignment } = task;
    let told = sensitive;
    try {
      const value = await run.answer();
      free();
      // a result may be sensitive where nothing else is
      told ||= isOfSensitive(value);
      const result = await this.encode(task, value, told);
      const settled = await this.recorded(() => this.completing.add({ id, assignment, result }));
      this.tell(settled);
      run.ended(settled.length > 0 ? 'completed' : 'fenced');
    } catch (error) {
      await this.failed(task, run, error, told);
    }
    return 'ended';
  }

  /** What the method writes and sends, and the result, are committed together, or not at all. */
  private async inTransaction(
    task: BegunTask,
    run: HandlerRun,
    sensitive: boolean,
    { mayBeCutOff }: AttemptOptions,
  ): Promise<'ended' | 'cut off'> {
    const { id, assignment } = task;
    let told = sensitive;
    const around = (handle: (transaction: Transaction) => Promise<unknown>): Promise<unknown> =>
      this.database.transaction(async (transaction) => {
        const value = await handle(transaction);
        told ||= isOfSensitive(value);
        const result = await this.encode(task, value, told);
        const [settled = []] = await this.store.complete([{ id, assignment, result }], transaction);
        if (settled.length === 0) throw new TaskTakenError(id);
        transaction.onCommit(() => this.tell(settled));
      });
    try {
      await run.answer(around);
      run.ended('completed');
    } catch (error) {
      // Whether it was committed after all, the next beginning tells.
      if (error instanceof StoreUnavailableError && !run.aborted && (mayBeCutOff || (await isAway(this.database)))) {
        run.ended('fenced');
        return 'cut off';
      }
      await this.failed(task, run, error, told);
    }
    return 'ended';
  }

  /**
   * A failure is recorded; an agent that stops gives the task back. What is no longer its own it neither fails nor gives
   * back: both are fenced.
   */
  private async failed(task: BegunTask, run: HandlerRun, error: unknown, told: boolean): Promise<void> {
    const isStopped = run.aborted instanceof BusStoppedError || error instanceof BusStoppedError;
    if (isStopped || (error instanceof TaskTakenError && error.taskId === task.id)) {
      run.ended('fenced');
      if (isStopped) await this.giveBack([task]);
      return;
    }
    const state = await this.fail(task, told ? withoutText(error, errorOf(error)) : errorOf(error));
    run.ended(state, error);
  }

  private async fail(task: BegunTask, error: WireError): Promise<'failed' | 'retrying'> {
    const settled = await this.recorded(() => this.store.fail(task, error));
    this.tell(settled);
    if (settled.length > 0) return 'failed';
    this.notices.queued([task.id]);
    return 'retrying';
  }

  /** What is sensitive goes on sealed. Rejects with `InvalidTaskResultError`, or as `Sealer.seal` does. */
  private async encode(
    { id, runId, handsOnSealed }: BegunTask,
    value: unknown,
    sensitive: boolean,
  ): Promise<string | null> {
    // what the next stage gets of a stage that returns nothing
    const json = encodeResult(id, value) ?? (handsOnSealed ? '{}' : null);
    const isToSeal = sensitive && this.sealing.seals && json !== null;
    const result = isToSeal ? await this.sealing.sealResult(json, runId ?? id) : json;
    checkResultSize(id, result, this.settings.tasks.maxBytes);
    return result;
  }

  private recorded<T>(work: () => Promise<T>): Promise<T> {
    return persistently(this.settings.messaging.leaseMs, this.ending.signal, work);
  }

  private tell(settled: readonly SettledTask[]): void {
    this.notices.settled(settled);
    this.notices.cancelled(settled.flatMap(({ id, state }) => (state === 'cancelled' ? [id] : [])));
  }
}

/** The message that a task is for its method. It has the task's id: what the method sends has the task for its cause. */
const messageOf = (task: BegunTask, agentId: string): Message => ({
  messageId: task.id,
  correlationId: task.id,
  sender: task.submitter,
  recipient: toAgent(agentId),
  timestamp: task.createdAt,
  expiresAt: task.deadline,
  type: task.type,
  version: task.version,
  priority: task.priority,
  attempt: task.attempt,
  contentType: isSealedText(task.payload) ? SEALED_TYPE : 'application/json',
  body: Buffer.from(task.payload),
  ...(task.causeId === null ? {} : { causationId: task.causeId }),
  ...(task.trace === null ? {} : { trace: task.trace }),
});

const isOfSensitive = (value: unknown): boolean => contractOfInstance(value)?.sensitive ?? false;

/** Errors of an app's own are worth another attempt, by another agent perhaps, unless they say otherwise. */
const errorOf = (error: unknown): WireError =>
  error instanceof AgentMQError && !(error instanceof UnknownTypeError)
    ? toWireError(error)
    : { ...toWireError(error), retryable: true };
