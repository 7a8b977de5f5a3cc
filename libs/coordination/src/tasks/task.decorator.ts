import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { AgentSettings, HandleTask, type HandlerOptions, type MessageContext } from 'agentmq/agent';
import {
  AgentMQError,
  contractOfInstance,
  type PayloadClass,
  TASK_HEADER,
  toWireError,
  type WireError,
} from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { StoreUnavailableError } from 'agentmq/database';
import { Batcher, BusStoppedError, type Handling, HandlerTimeoutError, isSealed } from 'agentmq/messaging';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Assignments } from './assignments.js';
import { TaskAttemptFailedError, TaskDeadlineError, TaskTakenError } from './errors.js';
import { checkResultSize, encodeResult } from './result.js';
import { TaskNotices } from './notices.js';
import { carryingOut, type RunningTask, TaskContext } from './task-context.js';
import { checkSealedFor, TaskSealing, withoutText } from './task-sealing.js';
import { AttemptStore, type BegunTask, type TaskCompletion } from './store/attempt-store.js';
import type { SettledTask, TaskRef } from './store/settled.js';
import { LONGEST_TIMER_MS } from './times.js';

/** Of what tasks that begin, or are done, at the same time write together. */
const BATCHES = { size: 200, inFlight: 2 };

/** Carries out the task that a message assigns, once: what comes of it is recorded only while the task is this agent's. */
@Injectable()
export class TaskInterceptor implements NestInterceptor {
  private readonly attempts: AttemptStore;
  private readonly beginning: Batcher<TaskRef, BegunTask | undefined>;
  private readonly completing: Batcher<TaskCompletion, SettledTask[]>;

  constructor(
    private readonly assignments: Assignments,
    private readonly notices: TaskNotices,
    private readonly settings: AgentSettings,
    private readonly sealing: TaskSealing,
    private readonly database: Database,
  ) {
    this.attempts = new AttemptStore(database);
    this.beginning = new Batcher((refs) => this.attempts.begin(refs), BATCHES);
    this.completing = new Batcher((results) => this.attempts.complete(results), BATCHES);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [handling] = context.switchToRpc().getContext<MessageContext>().getArgs();
    const isSensitive = isSealed(handling.message) || isOfSensitive(context.getArgs()[0]);
    const taskId = handling.message.headers?.[TASK_HEADER];
    const work = async (task?: RunningTask): Promise<unknown> => {
      // what the method's @Ctx() gets: arguments are made of these, after all interceptors
      context.getArgs<unknown[]>()[1] = new TaskContext(handling, task);
      return lastValueFrom(next.handle(), { defaultValue: undefined });
    };
    return from(typeof taskId === 'string' ? this.carryOut(taskId, isSensitive, handling, work) : work());
  }

  private async carryOut(
    taskId: string,
    isSensitive: boolean,
    handling: Handling,
    work: (task: RunningTask) => Promise<unknown>,
  ): Promise<void> {
    const { messageId } = handling.message;
    const { transaction } = handling;
    // By itself: whoever takes over sees that it was begun, and is not held up by the row of one that stands still.
    const ref = { id: taskId, assignment: messageId };
    const isAlone = this.database.transactionsAtOnce === 1;
    const begun =
      isAlone && transaction ? (await this.attempts.begin([ref], transaction))[0] : await this.beginning.add(ref);
    // Taken back, cancelled, or done by an attempt whose message could not be completed: nothing is left to do.
    if (!begun) return;
    const stop = new AbortController();
    const letGo = this.assignments.hold(messageId, taskId, stop);
    const deadline = setTimeout(
      () => stop.abort(new TaskDeadlineError(taskId)),
      Math.min(Math.max(0, begun.leftMs), LONGEST_TIMER_MS),
    );
    const signal = AbortSignal.any([handling.signal, stop.signal]);
    const sensitive = isSensitive || begun.handsOnSealed;
    const task = runningTask(begun, messageId, sensitive, signal);
    // a result may be sensitive where nothing else is
    let told = sensitive;
    try {
      let result: string | null;
      try {
        checkSealedFor(handling.message, taskId, begun.runId);
        const carried = carryingOut(task, () => work(task));
        const value = await stoppable(stop.signal, handling.signal, carried);
        told ||= isOfSensitive(value);
        result = await this.encode(begun, value, told);
      } catch (error) {
        await this.failed({ ...task, sensitive: told }, error, handling);
        return;
      }
      // A result that could not be recorded is no failure of the task: the message is handled again.
      await this.completed({ ...ref, result }, transaction);
    } finally {
      clearTimeout(deadline);
      letGo();
    }
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
    checkResultSize(id, result, this.settings.bus.maxMessageBytes);
    return result;
  }

  private async completed(result: TaskCompletion, transaction: Handling['transaction']): Promise<void> {
    if (!transaction) {
      this.tell(await this.completing.add(result));
      return;
    }
    const [settled = []] = await this.attempts.complete([result], transaction);
    // what was written in the handler's transaction is rolled back with it
    if (settled.length === 0) throw new TaskTakenError(result.id);
    transaction.onCommit(() => this.tell(settled));
  }

  /**
   * A failure is recorded, and the message that brought the task completed; that of a transactional handler fails, so that
   * what was written is rolled back, and is dropped when it comes again. With the embedded database's one connection
   * nothing can be recorded meanwhile: there the message is tried again as any is, and whoever assigns tasks sees it dead.
   * An agent that stops gives the task back. What is no longer its own it neither fails nor gives back: both are fenced.
   */
  private async failed(task: RunningTask, error: unknown, { signal, transaction }: Handling): Promise<void> {
    if (transaction && this.database.transactionsAtOnce === 1) throw error;
    // Lost with the database: the inbox asks whether it was committed, and else handles the message again.
    if (transaction && error instanceof StoreUnavailableError) throw error;
    const isGivenUp = signal.aborted && !(signal.reason instanceof HandlerTimeoutError);
    if (isGivenUp || error instanceof BusStoppedError) {
      await this.attempts.release(task.id, task.assignment).catch(() => undefined);
      this.notices.queued([task.id]);
      if (isGivenUp || transaction) throw error;
      return;
    }
    const wire = task.sensitive ? withoutText(error, errorOf(error)) : errorOf(error);
    const settled = await this.attempts.fail(task.id, task.assignment, wire);
    if (settled.length > 0) this.tell(settled);
    else this.notices.queued([task.id]);
    if (transaction) throw new TaskAttemptFailedError(task.id, wire);
  }

  private tell(settled: readonly SettledTask[]): void {
    this.notices.settled(settled);
    const cancelled = settled.filter(({ state }) => state === 'cancelled').map(({ id }) => id);
    if (cancelled.length > 0) this.notices.cancelled(cancelled);
  }
}

/**
 * Handles tasks of a contract, and its other messages, as `@Handle` does: what the method returns is the task's result, what
 * it throws fails the attempt. A task's method may run more than once (an agent that dies, a database that is away), but
 * only one result is recorded. With `transactional`, what the method writes is committed with the result, or not at all.
 * Its `@Ctx()` is a {@link TaskContext}. Throws as `@Handle` does.
 */
export function Task(contract: PayloadClass, options: HandlerOptions = {}): MethodDecorator {
  return applyDecorators(HandleTask(contract, options), UseInterceptors(TaskInterceptor));
}

const isOfSensitive = (value: unknown): boolean => contractOfInstance(value)?.sensitive ?? false;

const runningTask = (begun: BegunTask, assignment: string, sensitive: boolean, signal: AbortSignal): RunningTask => ({
  id: begun.id,
  assignment,
  attempt: begun.attempt,
  attempts: begun.attempts,
  onFailure: begun.onFailure,
  sensitive,
  deadline: begun.deadline,
  until: performance.now() + begun.leftMs,
  signal,
});

/** Errors of an app's own are worth another attempt, by another agent perhaps, unless they say otherwise. */
const errorOf = (error: unknown): WireError =>
  error instanceof AgentMQError ? toWireError(error) : { ...toWireError(error), retryable: true };

/** A method that does not mind its signal is not waited for. */
async function stoppable<T>(stop: AbortSignal, stopping: AbortSignal, work: Promise<T>): Promise<T> {
  let reject: ((reason: unknown) => void) | undefined;
  const stopped = new Promise<never>((_, refuse) => (reject = refuse));
  const onStop = (): void => reject?.(stop.reason);
  const onStopping = (): void => reject?.(stopping.reason);
  stop.addEventListener('abort', onStop);
  stopping.addEventListener('abort', onStopping);
  try {
    stop.throwIfAborted();
    return await Promise.race([work, stopped]);
  } finally {
    stop.removeEventListener('abort', onStop);
    stopping.removeEventListener('abort', onStopping);
    work.catch(() => undefined);
  }
}
