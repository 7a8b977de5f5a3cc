import { AgentMQError } from 'agentmq/protocol';

/** An agent fails too often, so nothing is sent to it for now. Another agent, or this one later, may do it. */
export class CircuitOpenError extends AgentMQError {
  readonly code = 'CIRCUIT_OPEN';
  override readonly retryable = true;

  constructor(
    readonly agentId: string,
    /** From when on a call may go through to try the agent. While one tries it: when that is given up at the latest. */
    readonly probeAt: Date,
  ) {
    super(`the circuit of ${agentId} is open: it failed too often, and is tried again at ${probeAt.toISOString()}`);
  }
}
