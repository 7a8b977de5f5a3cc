import { HttpException } from '@nestjs/common';
import {
  AgentMQError,
  boundedError,
  type ContractDefinition,
  contractKey,
  ContractViolationError,
  toWireError,
  UnknownTypeError,
} from 'agentmq/protocol';
import type { DeliveryError } from 'agentmq/message-store';
import { HandlerTimeoutError, MessageExpiredError, PoisonMessageError } from '../../errors.js';
import { SealingError } from '../../sealing/errors.js';
import { isSealed } from '../../sealing/sealer.js';

const TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

/**
 * Whether another attempt can succeed. Errors tell by `retryable`; of Nest's HTTP errors, the ones that blame the message
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

/** What an error is about: it may quote the payload of a sealed message, and of one whose contract is sensitive. */
export interface About {
  readonly message?: { readonly contentType: string };
  readonly contract?: ContractDefinition | undefined;
}

export const isSensitive = ({ message, contract }: About): boolean =>
  contract?.sensitive === true || (message !== undefined && isSealed(message));

/** An error as it is kept and logged. Of what is sensitive no text, unless the error is one that can't quote a payload. */
export function errorRecord(error: unknown, about: About = {}): DeliveryError {
  const wire = toWireError(error);
  if (isSensitive(about) && !isHarmless(error, about)) {
    const { name, code, retryable } = wire;
    return { name, code, retryable, message: 'not told, since the contract is sensitive' };
  }
  const stack = error instanceof Error && !(error instanceof AgentMQError) ? error.stack : undefined;
  return stack ? boundedError({ ...wire, stack }) : wire;
}

const HARMLESS = [SealingError, UnknownTypeError, MessageExpiredError, HandlerTimeoutError, PoisonMessageError];

/** Violations of a sensitive contract name fields and rules only. */
const isHarmless = (error: unknown, { contract }: About): boolean =>
  HARMLESS.some((type) => error instanceof type) ||
  (error instanceof ContractViolationError && contract?.sensitive === true && error.contract === contractKey(contract));

export const describe = ({ name, message }: DeliveryError): string => `${name}: ${message}`;
