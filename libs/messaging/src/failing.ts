import { HttpException } from '@nestjs/common';
import { AgentMQError, boundedError, type ContractDefinition, toWireError } from 'agentmq/contracts';
import type { DeliveryError } from 'agentmq/message-store';

const TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

/**
 * Whether another attempt can succeed. Errors tell by `retryable`; of Nest's HTTP errors, those that blame the message
 * (a pipe's `BadRequestException`) are final. Whatever else a handler throws may be a passing trouble.
 */
export function isRetryable(error: unknown): boolean {
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return status >= 500 || status === TIMEOUT || status === TOO_MANY_REQUESTS;
  }
  if (typeof error !== 'object' || error === null) return true;
  return (error as { readonly retryable?: unknown }).retryable !== false;
}

/** Why the dead letter of a request that failed is discarded. */
export const ASKER_TOLD = 'its asker was told';

/** An error as it is kept. Of a sensitive contract no text: it may quote the payload. */
export function errorRecord(error: unknown, contract?: ContractDefinition): DeliveryError {
  const wire = toWireError(error);
  if (contract?.sensitive) {
    const { name, code, retryable } = wire;
    return { name, code, retryable, message: 'not told, since the contract is sensitive' };
  }
  const stack = error instanceof Error && !(error instanceof AgentMQError) ? error.stack : undefined;
  return stack ? boundedError({ ...wire, stack }) : wire;
}

export const describe = ({ name, message }: DeliveryError): string => `${name}: ${message}`;
