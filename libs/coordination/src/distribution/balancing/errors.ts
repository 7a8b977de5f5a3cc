import { AgentMQError } from 'agentmq/protocol';

/** No strategy has that name. */
export class UnknownStrategyError extends AgentMQError {
  readonly code = 'UNKNOWN_STRATEGY';

  constructor(
    readonly strategy: string,
    readonly known: readonly string[],
  ) {
    super(`strategy: "${strategy}" is not one of ${known.join(', ')}`);
  }
}

/** A strategy of that name is there already. */
export class DuplicateStrategyError extends AgentMQError {
  readonly code = 'DUPLICATE_STRATEGY';

  constructor(readonly strategy: string) {
    super(`strategy: "${strategy}" is there already`);
  }
}
