import { AgentMQError, type WireError } from 'agentmq/protocol';

/** What was to be a pipeline can't be one. Names the field. */
export class InvalidPipelineError extends AgentMQError {
  readonly code = 'INVALID_PIPELINE';

  constructor(
    /** e.g. `stages[1].buffer`. */
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`);
  }
}

/** This process has defined no pipeline of that name. */
export class UnknownPipelineError extends AgentMQError {
  readonly code = 'UNKNOWN_PIPELINE';

  constructor(
    readonly pipeline: string,
    readonly known: readonly string[],
  ) {
    super(`pipeline: "${pipeline}" is not one of ${known.join(', ')}`);
  }
}

/** As many runs of a pipeline are open as may be. */
export class PipelineFullError extends AgentMQError {
  readonly code = 'PIPELINE_FULL';
  override readonly retryable = true;

  constructor(
    readonly pipeline: string,
    readonly maxRuns: number,
  ) {
    super(`pipeline ${pipeline} has ${maxRuns} open runs, and takes no more`);
  }
}

/** Another transaction has started a run of a pipeline with limited runs, and is still open. */
export class PipelineBusyError extends AgentMQError {
  readonly code = 'PIPELINE_BUSY';
  override readonly retryable = true;

  constructor(readonly pipeline: string) {
    super(`pipeline ${pipeline} is being started in another transaction, which is still open`);
  }
}

/** A run has failed: a stage of it for good, or its time was over. */
export class PipelineFailedError extends AgentMQError {
  readonly code = 'PIPELINE_FAILED';

  constructor(
    readonly runId: string,
    /** The stage that it had reached. */
    readonly stage: string,
    /** What the last attempt at that stage threw, say. */
    readonly reason: WireError,
  ) {
    super(`run ${runId}, stage ${stage}: ${reason.message}`);
  }
}
