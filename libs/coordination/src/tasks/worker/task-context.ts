import { MessageContext } from 'agentmq/agent';
import { currentMessage, type Handling } from 'agentmq/messaging';
import type { FailurePolicy } from '../task.js';

/** A task that is being carried out by this agent. */
export interface RunningTask {
  readonly id: string;
  /** What gave it to this agent, and fences what this agent says of it. */
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

type HandledMessage = Handling['message'];

/** Tells how far a task is. */
type Tell = (task: RunningTask, progress: object) => void;

/** By the message that a task is for its method. */
const running = new WeakMap<HandledMessage, { readonly task: RunningTask; readonly tell: Tell }>();

/** From now on the handler of that message carries out the task. */
export const carriesOut = (message: HandledMessage, task: RunningTask, tell: Tell): unknown =>
  running.set(message, { task, tell });

/** What a `@Task` method gets with `@Ctx()`: the message's context, and the task that this agent has been given. */
export class TaskContext extends MessageContext {
  /** Undefined for a message that was sent, or asked, without a task. */
  readonly task: RunningTask | undefined;
  /**
   * Tells how far the task is: to `Tasks.watch` at once, though at most every 200 ms, and in the task's record, at most once a
   * second. The latest report counts. It never waits, and is lost while the broker and the database are away; nothing is told of
   * a sensitive task, or of a message that came without a task. Throws `InvalidTaskError` for what is no JSON object of at most
   * 16 KiB.
   */
  readonly progress: (progress: object) => void;

  constructor(handling: Handling) {
    super(handling);
    const { task, tell } = running.get(handling.message) ?? {};
    this.task = task;
    this.progress = (progress) => {
      if (task) tell?.(task, progress);
    };
  }
}

/** The task that is being carried out in this asynchronous flow, if any. */
export function currentTask(): RunningTask | undefined {
  const message = currentMessage();
  return message && running.get(message)?.task;
}
