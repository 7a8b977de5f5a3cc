import { AgentMQError } from 'agentmq';

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

/** What a protocol promises. Throws {@link ProtocolFailedError} if it does not hold. */
export function mustHold(holds: boolean, problem: string): void {
  if (!holds) throw new ProtocolFailedError(problem);
}

/** Throws {@link ProtocolFailedError} if what the agents came to is not what a direct computation does. */
export function mustEqual(what: string, found: number, computed: number): void {
  mustHold(found === computed, `${what}: the agents came to ${found}, and it is ${computed}`);
}
