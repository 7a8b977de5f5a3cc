import { AgentMQError } from 'agentmq/protocol';

/** The table has more different text values than one run may hold in memory. */
export class TooManyValuesError extends AgentMQError {
  readonly code = 'TOO_MANY_VALUES';

  constructor(
    readonly runId: string,
    readonly limit: number,
  ) {
    super(`run ${runId}: the text columns hold more than ${limit} bytes of different values`);
  }
}

/** A partial result does not belong to the run as it is known: other columns, or another number of rows in the second pass. */
export class PartialMismatchError extends AgentMQError {
  readonly code = 'PARTIAL_MISMATCH';

  constructor(
    readonly runId: string,
    readonly problem: string,
  ) {
    super(`run ${runId}: ${problem}`);
  }
}

/** A summary was asked for before every chunk had come. */
export class MissingChunksError extends AgentMQError {
  readonly code = 'MISSING_CHUNKS';
  override readonly retryable = true;

  constructor(
    readonly runId: string,
    /** The first of them that is missing. */
    readonly chunk: number,
  ) {
    super(`run ${runId}: chunk ${chunk} has not come yet`);
  }
}

/** This specialist knows nothing of the run: it never began here, was idle for too long, or the process was restarted. */
export class UnknownRunError extends AgentMQError {
  readonly code = 'UNKNOWN_RUN';

  constructor(readonly runId: string) {
    super(`run ${runId} is not known here`);
  }
}

/** Too many runs at once. */
export class TooManyRunsError extends AgentMQError {
  readonly code = 'TOO_MANY_RUNS';
  override readonly retryable = true;

  constructor(readonly limit: number) {
    super(`${limit} runs are being analysed, which is the limit`);
  }
}

/** Too many chunks came ahead of one that is missing. */
export class TooFarAheadError extends AgentMQError {
  readonly code = 'TOO_FAR_AHEAD';
  override readonly retryable = true;

  constructor(
    readonly runId: string,
    readonly missing: number,
    readonly limit: number,
  ) {
    super(`run ${runId}: ${limit} chunks wait for chunk ${missing}`);
  }
}
