import { AgentMQError } from 'agentmq/protocol';

/** This agent does not lead the group in that term, or no longer; what it wrote in the transaction is rolled back. */
export class DeposedError extends AgentMQError {
  readonly code = 'DEPOSED';

  constructor(
    readonly group: string,
    readonly term: number,
    /** The term on record, when that is what refused. */
    readonly latest?: number,
  ) {
    super(`no longer leads ${group} in term ${term}${latest === undefined ? '' : `: the term on record is ${latest}`}`);
  }
}

/** This agent is a member of the group already, or about to be. */
export class AlreadyJoinedError extends AgentMQError {
  readonly code = 'ALREADY_JOINED';

  constructor(readonly group: string) {
    super(`this agent has joined ${group} already`);
  }
}

/** Only the leader of a group can do that. */
export class NotLeaderError extends AgentMQError {
  readonly code = 'NOT_LEADER';

  constructor(readonly group: string) {
    super(`this agent does not lead ${group}`);
  }
}

/** The agent that was named is no member of the group, or is not alive. */
export class NotAMemberError extends AgentMQError {
  readonly code = 'NOT_A_MEMBER';

  constructor(
    readonly group: string,
    readonly agentId: string,
  ) {
    super(`${agentId} is no live member of ${group}`);
  }
}

/** The other member did not come to lead in time: the leader is still the same. */
export class TransferFailedError extends AgentMQError {
  readonly code = 'TRANSFER_FAILED';
  override readonly retryable = true;

  constructor(
    readonly group: string,
    readonly agentId: string,
    options?: ErrorOptions,
  ) {
    super(`${agentId} did not come to lead ${group} in time`, options);
  }
}
