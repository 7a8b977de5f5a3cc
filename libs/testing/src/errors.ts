import { AgentMQError } from 'agentmq/protocol';

/** A system under test did not come to rest. */
export class NotQuietError extends AgentMQError {
  readonly code = 'NOT_QUIET';

  constructor(
    readonly afterMs: number,
    /** A line for each thing that is still under way. */
    readonly underWay: readonly string[],
  ) {
    super(`not quiet after ${afterMs} ms, still under way:\n${underWay.map((what) => `  - ${what}`).join('\n')}`);
  }
}

/** What a test asks of its system can't be done. Names what was asked. */
export class TestSystemError extends AgentMQError {
  readonly code = 'TEST_SYSTEM';
}
