import { AgentMQError } from 'agentmq/protocol';
import { type Destination, destinationName } from './destination.js';

/** No healthy agent is there that could do it. */
export class NoAbleAgentError extends AgentMQError {
  readonly code = 'NO_ABLE_AGENT';
  override readonly retryable = true;

  constructor(readonly destination: Destination) {
    super(textOf(destination));
  }
}

/** The agent was given up, or has left, before it answered. It may have done what it was asked. */
export class AgentLostError extends AgentMQError {
  readonly code = 'AGENT_LOST';
  override readonly retryable = true;

  constructor(readonly agentId: string) {
    super(`${agentId} was lost before it answered`);
  }
}

/** A request can't be given out with these options. Names the field. */
export class InvalidDistributionError extends AgentMQError {
  readonly code = 'INVALID_DISTRIBUTION';

  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`);
  }
}

const textOf = (to: Destination): string =>
  'capability' in to ? `no healthy agent can do ${to.capability}` : `no healthy agent is ${destinationName(to)}`;
