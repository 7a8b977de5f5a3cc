import { ServiceUnavailableException } from '@nestjs/common';
import { AgentMQError } from 'agentmq/protocol';

/** What may pass is a 503; everything else stays what it is. */
export function asHttpError(error: unknown): never {
  if (error instanceof AgentMQError && error.retryable) throw new ServiceUnavailableException(error.message);
  throw error;
}
