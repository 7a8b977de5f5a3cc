import { AgentMQError } from 'agentmq/protocol';

/** No process could be started for a worker. */
export class WorkerStartError extends AgentMQError {
  readonly code = 'WORKER_START';
  override readonly retryable = true;

  constructor(
    readonly role: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${role}: ${problem}`, options);
  }
}

/** Nothing is known of the role: it is not to be scaled, no agent has it, and nothing waits for it. */
export class UnknownRoleError extends AgentMQError {
  readonly code = 'UNKNOWN_ROLE';

  constructor(readonly role: string) {
    super(`there is no role "${role}"`);
  }
}
