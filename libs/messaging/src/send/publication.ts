import type { Publication } from 'agentmq/broker';
import { formatRecipient, HEADER, InvalidMessageError, type Message, parseRecipient, toWire } from 'agentmq/protocol';
import type { OutboxEntry, OutboxLease } from 'agentmq/message-store';

/**
 * A message as the broker is to take it: persistent, and with somebody there unless it is published to a topic. One for
 * a certain consumer goes to its inbox alone, and says who it was sent to. `now` decides what is left of its time.
 */
export function publicationOf(
  { message, consumer, id, lease }: Pick<OutboxEntry, 'message' | 'consumer'> & Partial<OutboxLease>,
  now: Date,
): Publication {
  const recipient = consumer === undefined ? message.recipient : inboxOf(consumer);
  const mandatory = recipient.kind === 'role' || recipient.kind === 'agent';
  const copy = id === undefined ? {} : { copy: `${id}.${lease}` };
  // What is owed to a consumer is stored, whatever it was when it was first sent.
  const transient = consumer === undefined && message.transient === true;
  const wire = toWire({ ...sentTo(message, consumer), ...copy, transient }, now);
  return { ...wire, recipient, mandatory, persistent: !transient };
}

function inboxOf(consumer: string): Message['recipient'] {
  const recipient = parseRecipient(consumer);
  if (recipient?.kind !== 'role' && recipient?.kind !== 'agent') {
    throw new InvalidMessageError('consumer', `"${consumer}" has no inbox`);
  }
  return recipient;
}

/** A message that stands for another one says already who that was sent to. */
function sentTo(message: Message, consumer: string | undefined): Message {
  const recipient = formatRecipient(message.recipient);
  if (consumer === undefined || recipient === consumer || message.headers?.[HEADER.recipient] !== undefined) {
    return message;
  }
  return { ...message, headers: { ...message.headers, [HEADER.recipient]: recipient } };
}
