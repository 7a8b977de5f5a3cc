import { createHash } from 'node:crypto';
import { type Message, newMessageId } from 'agentmq/contracts';
import { RefusedDataError, type Rejection } from 'agentmq/message-store';

/** AMQP's short strings, which ids and types are on the wire, are no longer; in bytes. */
const MOST_BYTES = 255;

/** Records a rejection. A message that the store can't hold as it is, is recorded as far as the store can hold it. */
export async function recordRejection(
  rejection: Rejection,
  record: (rejection: Rejection) => Promise<void>,
): Promise<void> {
  try {
    await record(rejection);
  } catch (error) {
    if (!(error instanceof RefusedDataError)) throw error;
    const { name, code, message, retryable } = rejection.error;
    await record({ ...rejection, message: storable(rejection.message), error: { name, code, message, retryable } });
  }
}

/** What is always storable of a message: its body, and names cut to the length that they have on the wire. */
function storable({ messageId, sender, recipient, type, body, correlationId, timestamp }: Message): Message {
  return {
    messageId: messageId === '' ? newMessageId() : bounded(messageId),
    sender: bounded(sender),
    recipient: { kind: recipient.kind, name: bounded(recipient.name) },
    timestamp: isStorable(timestamp) ? timestamp : new Date(),
    type: bounded(type),
    version: 1,
    priority: 0,
    attempt: 1,
    body,
    contentType: 'application/octet-stream',
    ...(correlationId === undefined ? {} : { correlationId: bounded(correlationId) }),
  };
}

/** The beginning of a text that is too long, and a digest, so that two of them stay two. */
function bounded(text: string): string {
  if (Buffer.byteLength(text) <= MOST_BYTES) return text;
  const digest = createHash('sha256').update(text).digest('hex');
  const start = Buffer.from(text).subarray(0, MOST_BYTES - digest.length - 8);
  return `${start.toString('utf8').replace(/\ufffd$/, '')}-${digest}`;
}

function isStorable(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1970 && year <= 9999;
}
