import type { Message } from 'agentmq/protocol';
import type { Store } from 'agentmq/message-store';
import { createHash } from 'node:crypto';
import { Batcher } from '../../batcher.js';

/** On a message whose id another message had: the id that its producer gave it. */
const ORIGINAL_ID_HEADER = 'agentmq-original-id';

/** AMQP's longest is 255 bytes, of which a character takes up to 4. */
const KEPT_OF_ID = 50;

/**
 * Messages that no outbox published: they may have any id, such as one that another message has. A message is known by its
 * content: under one id it is never taken for another, neither now nor when it is handled again from the store.
 */
export class ForeignMessages {
  private readonly records: Batcher<Message, boolean>;

  constructor(private readonly store: Pick<Store, 'deliveries' | 'history'>) {
    this.records = new Batcher((batch) => store.deliveries.record(batch));
  }

  /**
   * Stores a foreign message. Resolves with it under the id that it has here. Rejects as the store does. One that brings an own id
   * which it was not given here is a message that was taken from the wire, and sent again as if it were another.
   */
  async admit(message: Message): Promise<Message> {
    const id = givenId(message);
    if (id !== message.messageId) {
      return (await this.store.history.find(message.messageId)) ? message : this.admit(underGivenId(message, id));
    }
    if (message.copy !== undefined || (await this.records.add(message))) return message;
    const other = underOwnId(message);
    await this.records.add(other);
    return other;
  }
}

/** False for what an outbox has published, of which the store has the message. */
export const mayBeForeign = ({ copy, headers }: Message): boolean =>
  copy === undefined || headers?.[ORIGINAL_ID_HEADER] !== undefined;

/** The id that its producer gave a message, by which it was sealed. */
export function givenId(message: Message): string {
  const { messageId, headers } = message;
  const original = headers?.[ORIGINAL_ID_HEADER];
  if (typeof original !== 'string') return messageId;
  return underOwnId({ ...message, messageId: original }).messageId === messageId ? original : messageId;
}

function underGivenId({ copy: _, headers, ...message }: Message, messageId: string): Message {
  const { [ORIGINAL_ID_HEADER]: __, ...others } = headers ?? {};
  return { ...message, messageId, headers: others };
}

/** The same for every copy of the message, so that copies of it are told by their id. */
function underOwnId(message: Message): Message {
  const { messageId, type, version, body, headers, correlationId = messageId } = message;
  const digest = createHash('sha256')
    .update(JSON.stringify([messageId, type, version]))
    .update(body);
  return {
    ...message,
    messageId: `${[...messageId].slice(0, KEPT_OF_ID).join('')}~${digest.digest('base64url').slice(0, 22)}`,
    correlationId,
    headers: { ...headers, [ORIGINAL_ID_HEADER]: messageId },
  };
}
