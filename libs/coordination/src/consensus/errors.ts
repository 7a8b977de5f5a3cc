import { AgentMQError } from 'agentmq/protocol';

/** What was proposed, or asked about proposals, can't be. Names the field. */
export class InvalidProposalError extends AgentMQError {
  readonly code = 'INVALID_PROPOSAL';

  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`);
  }
}

/** There is no proposal of this id. */
export class UnknownProposalError extends AgentMQError {
  readonly code = 'UNKNOWN_PROPOSAL';

  constructor(readonly proposalId: string) {
    super(`there is no proposal ${proposalId}`);
  }
}
