import { AgentMQError } from 'agentmq';

/** The file of contracts, or a module that is to export them, can't be used. */
export class ContractsFileError extends AgentMQError {
  readonly code = 'CONTRACTS_FILE';

  constructor(
    readonly file: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${problem}`, options);
  }
}

/** The contracts are not as the file has them. */
export class ContractsChangedError extends AgentMQError {
  readonly code = 'CONTRACTS_CHANGED';
}
