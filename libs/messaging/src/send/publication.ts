import type { Publication } from 'agentmq/broker';
import { formatRecipient, HEADER, InvalidMessageError, type Message, parseRecipient, toWire } from 'agentmq/protocol';
import type { OutboxEntry, OutboxLease } from 'agentmq/message-store';

/**
 * A message as the broker is to take it: persistent, and with an inbox there unless it is published to many. One for
 * a certain consumer goes to its inbox alone, and says what it was sent to. `now` decides what is left of its time.
 */
export function publicationOf(
  { message, consumer, id, lease }: Pick<OutboxEntry, 'message' | 'consumer'> & Partial<OutboxLease>,
  now: Date,
): Publication {
  const recipient = consumer === undefined ? message.recipient : inboxOf(consumer);
  const { properties, body } = toWire(consumer === undefined ? message : copyFor(consumer, message), now);
  if (id !== undefined) (properties.headers as Record<string, unknown>)[HEADER.copy] = `${id}.${lease}`;
  const mandatory = recipient.kind === 'role' || recipient.kind === 'agent';
  return { properties, body, recipient, mandatory, persistent: consumer !== undefined || message.transient !== true };
}

/** Throws `InvalidMessageError` for what is neither a role nor an agent. */
export function inboxOf(consumer: string): Message['recipient'] {
  const recipient = parseRecipient(consumer);
  if (recipient?.kind !== 'role' && recipient?.kind !== 'agent') {
    throw new InvalidMessageError('consumer', `"${consumer}" has no inbox`);
  }
  return recipient;
}

/** What is owed to a consumer is stored, whatever it was. A message that stands for another one says already what that was sent to. */
function copyFor(consumer: string, message: Message): Message {
  const recipient = formatRecipient(message.recipient);
  const isTold = recipient === consumer || message.headers?.[HEADER.recipient] !== undefined;
  const headers = isTold ? message.headers : { ...message.headers, [HEADER.recipient]: recipient };
  return { ...message, transient: false, ...(headers && { headers }) };
}
