import { Logger } from '@nestjs/common';
import type { ConsumerName, DeliveryError } from 'agentmq/message-store';
import type { Message } from 'agentmq/protocol';
import { tellingOf } from '../../flow.js';
import { describe } from './error-record.js';

const logger = new Logger('Receiver');

type Named = Pick<Message, 'type' | 'messageId' | 'trace'>;

/** The one line of a message, or a task, that failed: what becomes of it, e.g. `is tried again in 50 ms`. */
export function tellFailed(message: Named, became: string, error: DeliveryError): void {
  const { type, messageId } = message;
  tellingOf(message, () => logger.warn(`${type || 'a message'} ${messageId} ${became}: ${describe(error)}`));
}

/** The one line of a dead letter, or of what expired: no further attempt is made. */
export const tellEnded = (
  message: Named,
  consumer: ConsumerName,
  state: 'dead' | 'expired',
  error: DeliveryError,
): void =>
  tellFailed(message, state === 'dead' ? `is a dead letter of ${consumer}` : `has expired at ${consumer}`, error);
