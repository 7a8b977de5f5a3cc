import { AsyncLocalStorage } from 'node:async_hooks';
import { MessageContext } from 'agentmq/agent';
import type { Handling } from 'agentmq/messaging';
import type { FailurePolicy } from './task.js';

/** A task that is being carried out by this agent. */
export interface RunningTask {
  readonly id: string;
  /** The message that gave it to this agent, which fences what this agent says of it. */
  readonly assignment: string;
  /** Counts the assignments, from 1. */
  readonly attempt: number;
  readonly attempts: number;
  readonly onFailure: FailurePolicy;
  /** What it was given, or is to return, is sealed, or its contract is sensitive: what is told of it has no text. */
  readonly sensitive: boolean;
  readonly deadline: Date;
  /** When the deadline is, by `performance.now()`. */
  readonly until: number;
  /** Aborts when it is not to be carried out any more: cancelled, taken over, out of time, or the agent stops. */
  readonly signal: AbortSignal;
}

/** What a `@Task` method gets with `@Ctx()`: the message's context, and the task that the message gave to this agent. */
export class TaskContext extends MessageContext {
  constructor(
    handling: Handling,
    /** Undefined for a message that was sent, or asked, without a task. */
    readonly task: RunningTask | undefined,
  ) {
    super(handling);
  }

  /** Also aborts when the task is cancelled, taken over or out of time. */
  override get signal(): AbortSignal {
    return this.task?.signal ?? super.signal;
  }
}

const running = new AsyncLocalStorage<RunningTask>();

/** The task that is being carried out in this asynchronous flow, if any. */
export const currentTask = (): RunningTask | undefined => running.getStore();

/** Runs a handler so that what it delegates is known to be part of the task. */
export const carryingOut = <T>(task: RunningTask, work: () => Promise<T>): Promise<T> => running.run(task, work);
