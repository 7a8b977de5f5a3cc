import { AgentMQError } from 'agentmq';

/** Options or arguments that do not go together, or can't be read. */
export class UsageError extends AgentMQError {
  readonly code = 'USAGE';
}

/** What is asked for can't be done to it as it is. */
export class NotPossibleError extends AgentMQError {
  readonly code = 'NOT_POSSIBLE';
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
