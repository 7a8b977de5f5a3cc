import { AgentMQError } from 'agentmq/contracts';

/** No healthy agent has the capability. */
export class NoAbleAgentError extends AgentMQError {
  readonly code = 'NO_ABLE_AGENT';
  override readonly retryable = true;

  constructor(readonly capability: string) {
    super(`no healthy agent can do ${capability}`);
  }
}
