import { AgentMQError } from 'agentmq/contracts';

/** The agents did not come to what the protocol promises. */
export class ProtocolFailedError extends AgentMQError {
  readonly code = 'PROTOCOL_FAILED';
}

/** Too few agents for the protocol to show anything. */
export class TooFewAgentsError extends AgentMQError {
  readonly code = 'USAGE';

  constructor(protocol: string, least: number) {
    super(`--agents: ${protocol} needs ${least} or more`);
  }
}
