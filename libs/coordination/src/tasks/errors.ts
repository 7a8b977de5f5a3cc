import { AgentMQError, contractKey, type WireError } from 'agentmq/protocol';

/** What was submitted, or asked about tasks, can't be. Names the field. */
export class InvalidTaskError extends AgentMQError {
  readonly code = 'INVALID_TASK';

  constructor(
    readonly field: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${field}: ${problem}`, options);
  }
}

/** A submission has the idempotency key of another: one of another type, or with another payload. Nothing was submitted. */
export class IdempotencyKeyReusedError extends AgentMQError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED';

  constructor(readonly idempotencyKey: string) {
    super(`the idempotency key "${idempotencyKey}" is that of a task of another type or with another payload`);
  }
}

/** There is no task of this id: none was submitted, or it ended so long ago that it is forgotten. */
export class UnknownTaskError extends AgentMQError {
  readonly code = 'UNKNOWN_TASK';

  constructor(readonly taskId: string) {
    super(`there is no task ${taskId}`);
  }
}

/**
 * No live agent carries out tasks of this type, or of this version of it. An agent that does may come at any time, so that
 * trying again can help.
 */
export class UnknownTaskTypeError extends AgentMQError {
  readonly code = 'UNKNOWN_TASK_TYPE';
  override readonly retryable = true;
  /** The types that there are; of a version that there is not, the others of its type: `quote@1`. */
  readonly known: readonly string[];

  constructor(
    readonly type: string,
    readonly version: number | undefined,
    types: readonly { readonly type: string; readonly version: number }[],
  ) {
    const versions = types.filter((each) => each.type === type).map(contractKey);
    const known = versions.length > 0 ? versions : [...new Set(types.map((each) => each.type))];
    super(
      `type: no agent carries out tasks of type ${type}${version === undefined ? '' : `@${version}`}; known: ${known.join(', ') || 'none'}`,
    );
    this.known = known;
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

/** The agent that worked on a task died, as others may have before, and no attempt is left. */
export class TaskAgentLostError extends AgentMQError {
  readonly code = 'TASK_AGENT_LOST';

  constructor(readonly agentId: string) {
    super(`${agentId} was lost while it worked on the task`);
  }
}
