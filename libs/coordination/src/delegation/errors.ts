import { AgentMQError, type WireError } from 'agentmq/protocol';

/** With `fail-fast`: a part has failed for good, or was cancelled by itself; the others have been cancelled. */
export class PartFailedError extends AgentMQError {
  readonly code = 'PART_FAILED';

  constructor(
    /** Which piece it was. */
    readonly key: string,
    readonly taskId: string,
    readonly state: 'failed' | 'cancelled',
    /** What its last attempt threw, what is wrong with its result, or why it was cancelled; of one that was split itself, again which part. */
    readonly reason: WireError,
  ) {
    super(`part ${key}: ${reason.message}`);
  }
}

/** A task has no time left for parts: what is left of it is kept to make a result of theirs. */
export class NoTimeLeftError extends AgentMQError {
  readonly code = 'NO_TIME_LEFT';

  constructor(
    /** How long it is until the task's own deadline, in ms. */
    readonly leftMs: number,
    /** How much of that is kept, in ms. */
    readonly reserveMs: number,
  ) {
    super(`no time is left for parts: ${Math.max(0, Math.floor(leftMs))} ms, of which ${reserveMs} ms are kept`);
  }
}
