import { type ContractCatalogue, decodeBody, formatRecipient, type Message } from 'agentmq/protocol';
import type { StoredDelivery, StoredMessage } from 'agentmq/message-store';
import { isSealed, sealedWith, traceIdOf } from 'agentmq/messaging';
import type { MessageKey } from '../views/messages.js';

export interface DeliveryView extends Omit<StoredDelivery, 'messageId'> {
  /** As far as it is known: the latest 20 attempts are. */
  readonly firstFailedAt: Date | null;
  readonly lastFailedAt: Date | null;
}

export interface MessageView {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly sender: string;
  readonly recipient: string;
  readonly priority: number;
  readonly sentAt: Date;
  readonly storedAt: Date;
  readonly deliverAt?: Date;
  readonly expiresAt?: Date;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceId?: string;
  readonly published: boolean;
  readonly deliveries: readonly DeliveryView[];
  /** Values of the payload by which it is found. */
  readonly keys: readonly MessageKey[];
  readonly payload?: unknown;
  /** Why there is no `payload`. */
  readonly payloadHidden?: string;
}

/** A message with its deliveries and, if it may be shown, its payload. */
export function messageView(
  stored: StoredMessage,
  contracts: ContractCatalogue,
  keys: readonly MessageKey[] = [],
): MessageView {
  const { message, storedAt, published, deliveries } = stored;
  const { deliverAt, expiresAt, correlationId, causationId } = message;
  return {
    id: message.messageId,
    type: message.type,
    version: message.version,
    sender: message.sender,
    recipient: formatRecipient(message.recipient),
    priority: message.priority,
    sentAt: message.timestamp,
    storedAt,
    ...(deliverAt ? { deliverAt } : {}),
    ...(expiresAt ? { expiresAt } : {}),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
    ...(message.trace ? { traceId: traceIdOf(message.trace) } : {}),
    published,
    deliveries: deliveries.map(deliveryView),
    keys,
    ...payloadView(message, contracts),
  };
}

function deliveryView(delivery: StoredDelivery): DeliveryView {
  const { messageId: _, ...rest } = delivery;
  return { ...rest, ...failedAt(delivery) };
}

/** What never reached a handler has no history: it failed when it was rejected. */
function failedAt(delivery: StoredDelivery): Pick<DeliveryView, 'firstFailedAt' | 'lastFailedAt'> {
  const { history, state, finishedAt } = delivery;
  const rejected = state === 'dead' || state === 'expired' ? finishedAt : null;
  return { firstFailedAt: history[0]?.at ?? rejected, lastFailedAt: history.at(-1)?.at ?? rejected };
}

/** A sensitive payload is sealed by its sender: so one that is in clear is shown, also of a contract that is not known here. */
function payloadView(
  { type, version, body, contentType }: Message,
  contracts: ContractCatalogue,
): Pick<MessageView, 'payload' | 'payloadHidden'> {
  if (isSealed({ contentType })) return { payloadHidden: sealedWith(body) };
  // of an agent that seals nothing, or from before sealing was on
  if (contracts.find(type, version)?.sensitive) return { payloadHidden: 'its contract is sensitive' };
  try {
    return { payload: decodeBody(body) };
  } catch {
    // no JSON, or too deep to be written as JSON again
    return { payload: body.toString() };
  }
}
