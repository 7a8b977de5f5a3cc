import { AgentMQError, type WireError } from 'agentmq/protocol';

/** What was submitted, or asked about tasks, can't be. Names the field. */
export class InvalidTaskError extends AgentMQError {
  readonly code = 'INVALID_TASK';

  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`);
  }
}

/** There is no task of this id: none was submitted, or it ended so long ago that it is forgotten. */
export class UnknownTaskError extends AgentMQError {
  readonly code = 'UNKNOWN_TASK';

  constructor(readonly taskId: string) {
    super(`there is no task ${taskId}`);
  }
}

/** A task has failed for good. `reason` tells what its last attempt threw. */
export class TaskFailedError extends AgentMQError {
  readonly code = 'TASK_FAILED';

  constructor(
    readonly taskId: string,
    readonly reason: WireError,
  ) {
    super(`task ${taskId}: ${reason.message}`);
  }
}

/** A task was cancelled, by itself or with the task that it was a part of. */
export class TaskCancelledError extends AgentMQError {
  readonly code = 'TASK_CANCELLED';

  constructor(
    readonly taskId: string,
    readonly reason: string,
  ) {
    super(`task ${taskId} was cancelled: ${reason}`);
  }
}

/**
 * What a `@Task` method returned can't be kept: it has no form in JSON, or is too large. The task has failed for good, since
 * its work is done and another attempt would do it again.
 */
export class InvalidTaskResultError extends AgentMQError {
  readonly code = 'TASK_RESULT_INVALID';

  constructor(
    readonly taskId: string,
    readonly problem: string,
  ) {
    super(`the result of task ${taskId} ${problem}`);
  }
}

/** A task's time was over before it was done. */
export class TaskDeadlineError extends AgentMQError {
  readonly code = 'TASK_DEADLINE_EXCEEDED';

  constructor(readonly taskId: string) {
    super(`task ${taskId} was not done by its deadline`);
  }
}

/** A task is no longer this agent's: it was taken from it, cancelled, or is settled. What it says of the task is not counted. */
export class TaskTakenError extends AgentMQError {
  readonly code = 'TASK_TAKEN';
  override readonly retryable = true;

  constructor(readonly taskId: string) {
    super(`task ${taskId} is no longer with this agent`);
  }
}

/** A transactional attempt at a task has failed, which is on record: the message that brought it is not needed any more. */
export class TaskAttemptFailedError extends AgentMQError {
  readonly code = 'TASK_ATTEMPT_FAILED';
  override readonly retryable = true;

  constructor(
    readonly taskId: string,
    readonly reason: WireError,
  ) {
    super(`task ${taskId}: ${reason.message}`);
  }
}

/** The agent that worked on a task died, as others may have before, and no attempt is left. */
export class TaskAgentLostError extends AgentMQError {
  readonly code = 'TASK_AGENT_LOST';

  constructor(readonly agentId: string) {
    super(`${agentId} was lost while it worked on the task`);
  }
}
