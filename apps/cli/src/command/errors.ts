import { AgentMQError } from 'agentmq';

/** Options or arguments that do not go together, or can't be read. */
export class UsageError extends AgentMQError {
  readonly code = 'USAGE';
}

/** Ctrl-C, or SIGTERM. */
export class InterruptedError extends AgentMQError {
  readonly code = 'INTERRUPTED';

  constructor(done: string) {
    super(`interrupted: ${done}`);
  }
}

/** The answer was no. */
export class DeclinedError extends AgentMQError {
  readonly code = 'DECLINED';
}
