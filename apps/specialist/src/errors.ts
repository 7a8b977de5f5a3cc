import { AgentMQError } from 'agentmq';

/** The specialist may not read files of its own machine for others. */
export class FilesForbiddenError extends AgentMQError {
  readonly code = 'FILES_FORBIDDEN';

  constructor() {
    super('payload.file: this specialist reads no files; send the table itself as payload.csv');
  }
}

/** The table has more different text values than one analysis may hold in memory. */
export class TooManyValuesError extends AgentMQError {
  readonly code = 'TOO_MANY_VALUES';

  constructor(readonly limit: number) {
    super(`the text columns hold more than ${limit} bytes of different values`);
  }
}

/** What a worker returned of a chunk has other columns than those of the chunks before. */
export class PartialMismatchError extends AgentMQError {
  readonly code = 'PARTIAL_MISMATCH';

  constructor(readonly columns: readonly string[]) {
    super(`a chunk has other columns than the first: ${columns.join(', ')}`);
  }
}
